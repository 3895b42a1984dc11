use passenger_core::PassengerEvent;
use shared_infrastructure::reactor::{Reaction, ReactionError};
use shared_kernel::{Cause, Revision};
use uuid::Uuid;

use crate::RpcFlights;

/// What manifest events mean for the flight domain: a flight hears whether everybody has boarded, and a sealed manifest
/// lets it depart.
pub struct PassengerReactions {
    flights: RpcFlights,
}

impl PassengerReactions {
    /// Reacts through `flights`.
    #[must_use]
    pub const fn new(flights: RpcFlights) -> Self {
        Self { flights }
    }
}

impl Reaction for PassengerReactions {
    type Event = PassengerEvent;
    const NAME: &'static str = "passenger-reactions";

    fn key(event: &PassengerEvent) -> Option<Uuid> {
        match event {
            PassengerEvent::ManifestCompleted(_)
            | PassengerEvent::ManifestReopened(_)
            | PassengerEvent::ManifestSealed(_) => Some(event.flight_id().uuid()),
            _ => None,
        }
    }

    async fn react(&self, event: &PassengerEvent, revision: Revision, cause: Cause) -> Result<(), ReactionError> {
        let flight_id = event.flight_id();
        let reacted = match event {
            PassengerEvent::ManifestCompleted(_) => self.flights.note(flight_id, true, revision, cause).await.map(drop),
            PassengerEvent::ManifestReopened(_) => self.flights.note(flight_id, false, revision, cause).await.map(drop),
            PassengerEvent::ManifestSealed(_) => self.flights.complete_departure(flight_id, cause).await,
            _ => Ok(()),
        };
        reacted.map_err(|fault| match fault.is_transient() {
            true => ReactionError::Retry(fault.to_string()),
            false => ReactionError::Park(fault.to_string()),
        })
    }
}
