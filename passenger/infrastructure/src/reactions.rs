use passenger_application::Completeness;
use passenger_core::{ManifestNews, PassengerEvent};
use shared_infrastructure::reader::{Reaction, ReactionError};
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
        event.news().map(|_| event.flight_id().uuid())
    }

    async fn react(&self, event: &PassengerEvent, revision: Revision, cause: Cause) -> Result<(), ReactionError> {
        let flight_id = event.flight_id();
        match event.news() {
            Some(ManifestNews::Complete(complete)) => {
                self.flights.note(flight_id, Completeness { complete, as_of: revision }, cause).await.map(drop)?
            }
            Some(ManifestNews::Sealed) => self.flights.complete_departure(flight_id, cause).await?,
            None => {}
        }
        Ok(())
    }
}
