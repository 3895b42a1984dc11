use passenger_core::PassengerEvent;
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
        News::of(event).map(|_| event.flight_id().uuid())
    }

    async fn react(&self, event: &PassengerEvent, revision: Revision, cause: Cause) -> Result<(), ReactionError> {
        let flight_id = event.flight_id();
        match News::of(event) {
            Some(News::Complete(complete)) => {
                self.flights.note(flight_id, complete, revision, cause).await.map(drop)?
            }
            Some(News::Sealed) => self.flights.complete_departure(flight_id, cause).await?,
            None => {}
        }
        Ok(())
    }
}

/// What a flight has to hear of an event.
enum News {
    /// Whether everybody has boarded.
    Complete(bool),
    /// That it departs.
    Sealed,
}

impl News {
    const fn of(event: &PassengerEvent) -> Option<Self> {
        match event {
            PassengerEvent::ManifestCompleted(_) => Some(Self::Complete(true)),
            PassengerEvent::ManifestReopened(_) => Some(Self::Complete(false)),
            PassengerEvent::ManifestSealed(_) => Some(Self::Sealed),
            PassengerEvent::CheckedIn(_)
            | PassengerEvent::NameCorrected(_)
            | PassengerEvent::Boarded(_)
            | PassengerEvent::Offloaded(_)
            | PassengerEvent::Arrived(_)
            | PassengerEvent::Removed(_)
            | PassengerEvent::ManifestClosed(_) => None,
        }
    }
}
