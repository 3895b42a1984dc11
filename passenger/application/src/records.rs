use flight_contract::FlightId;
use passenger_contract::PassengerId;
use std::future::Future;

use shared_kernel::{QueryError, Revision};

use crate::PassengerView;

/// What is known of passengers whom the write side has forgotten: the read model, which forgets nobody.
pub trait Records: Send + Sync {
    /// A passenger, in a read model that reflects the event `at_least`.
    fn passenger(
        &self,
        id: PassengerId,
        at_least: Option<Revision>,
    ) -> impl Future<Output = Result<Option<PassengerView>, QueryError>> + Send;

    /// The first passengers of a flight after `after`, by identifier, in a read model that reflects the event
    /// `at_least`; none if there are no more.
    fn passengers_of(
        &self,
        flight_id: FlightId,
        after: Option<PassengerId>,
        at_least: Option<Revision>,
    ) -> impl Future<Output = Result<Vec<PassengerId>, QueryError>> + Send;
}
