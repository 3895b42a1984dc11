use flight_application::{FlightFilter, FlightView};
use flight_contract::FlightId;
use shared_infrastructure::read_model::{Listing, ReadModel, Reflecting};
use shared_kernel::{Paging, QueryError, Revision};

use crate::table::{FLIGHTS, FlightColumns, SEARCH};

/// Queries of flights.
#[derive(Clone)]
pub struct FlightReadModel {
    read_model: ReadModel,
}

impl FlightReadModel {
    /// Queries the tables of [`crate::FlightProjection`].
    #[must_use]
    pub const fn new(read_model: ReadModel) -> Self {
        Self { read_model }
    }

    /// A flight, or none if there is no such flight.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn flight(
        &self,
        id: FlightId,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Option<FlightView>>, QueryError> {
        self.read_model.find(FLIGHTS, id, at_least).await
    }

    /// The flights that fit the filter, in the order of their creation or against it: up to one more than the page has.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn flights(
        &self,
        filter: FlightFilter,
        page: Paging<FlightId>,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Vec<FlightView>>, QueryError> {
        let FlightFilter { statuses, text, ids } = filter;
        let listing = Listing::new(FLIGHTS, page)
            .keys(ids)
            .any_of(FlightColumns::status, statuses)
            .containing(&SEARCH, text.as_ref());
        self.read_model.list(&listing, at_least).await
    }
}
