use flight_contract::FlightId;
use passenger_application::Completeness;
use passenger_core::{ManifestNews, PassengerEvent};
use shared_infrastructure::reader::{Reaction, ReactionError};
use shared_infrastructure::unfinished::{Found, Surroundings, Unfinished};
use shared_kernel::{Cause, Revision};
use uuid::Uuid;

use crate::RpcFlights;
use crate::unfinished::{self, SEAL_WITHOUT_DEPARTURE};

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

    fn missing(event_type: &str) -> &'static str {
        match event_type {
            "ManifestSealed" => SEAL_WITHOUT_DEPARTURE,
            _ => "completenessNotNoted",
        }
    }

    async fn look(&self, surroundings: &Surroundings, after: Option<Uuid>) -> Result<Found, ReactionError> {
        unfinished::look(&self.flights, surroundings, after).await
    }

    async fn finish(&self, unfinished: &Unfinished, cause: Cause) -> Result<(), ReactionError> {
        let flight_id = FlightId::new(unfinished.key);
        match unfinished.kind {
            SEAL_WITHOUT_DEPARTURE => self.flights.complete_departure(flight_id, cause).await?,
            _ => self.flights.close_manifest(flight_id, cause).await?,
        }
        Ok(())
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
