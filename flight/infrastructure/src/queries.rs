use flight_application::{FlightFilter, FlightView};
use flight_contract::FlightId;
use flight_core::{FlightDetails, FlightStatus, OffsetDateTime};
use jiff::Timestamp;
use shared_infrastructure::postgres::{Parsed, StoredRevision, substring_pattern};
use shared_infrastructure::read_model::{Listing, ReadModel, Reflecting};
use shared_kernel::{Paging, QueryError, Revision, Text};
use tokio_postgres::Row;

const COLUMNS: &str =
    "id, flight_number, origin, destination, scheduled_departure, scheduled_departure_offset, status, version";

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

    /// Waits a little for the tables to reach `revision`; see [`ReadModel::settle`].
    pub async fn settle(&self, revision: Option<Revision>) {
        self.read_model.settle(revision).await;
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
        self.read_model
            .query(at_least, |client| async move {
                let statement = client.prepare_cached(&format!("SELECT {COLUMNS} FROM flights WHERE id = $1")).await?;
                client.query_opt(&statement, &[&id.uuid()]).await?.map(|row| flight_view(&row)).transpose()
            })
            .await
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
        let listing = Listing::new("flights", COLUMNS, "id", page.map(FlightId::uuid))
            .keys(ids.map(|ids| ids.into_iter().map(FlightId::uuid).collect()))
            .any_of("status", statuses.map(|statuses| statuses.into_iter().map(FlightStatus::as_str).collect()))
            .only_with("search LIKE", text.as_deref().map(substring_pattern));
        self.read_model
            .query(at_least, |client| {
                let listing = &listing;
                async move { listing.rows(&client).await?.iter().map(flight_view).collect() }
            })
            .await
    }
}

fn flight_view(row: &Row) -> Result<FlightView, tokio_postgres::Error> {
    let Parsed(status) = row.try_get("status")?;
    let StoredRevision(version) = row.try_get("version")?;
    let departure: Option<Timestamp> = row.try_get("scheduled_departure")?;
    let offset_minutes = row.try_get("scheduled_departure_offset")?;
    Ok(FlightView {
        id: FlightId::new(row.try_get("id")?),
        details: FlightDetails {
            flight_number: Text::from_stored(row.try_get("flight_number")?),
            origin: Text::from_stored(row.try_get("origin")?),
            destination: Text::from_stored(row.try_get("destination")?),
            scheduled_departure: departure.map(|at| OffsetDateTime::with_offset_minutes(at, offset_minutes)),
        },
        status,
        version,
    })
}
