use flight_core::FlightEvent;
use shared_infrastructure::reader::{Reaction, ReactionError};
use shared_kernel::{Cause, Revision};
use uuid::Uuid;

use crate::RpcManifests;

/// What flight events mean for the passenger domain: the end of a flight closes its manifest.
pub struct FlightReactions {
    manifests: RpcManifests,
}

impl FlightReactions {
    /// Reacts through `manifests`.
    #[must_use]
    pub const fn new(manifests: RpcManifests) -> Self {
        Self { manifests }
    }
}

impl Reaction for FlightReactions {
    type Event = FlightEvent;
    const NAME: &'static str = "flight-reactions";

    fn key(event: &FlightEvent) -> Option<Uuid> {
        event.ending().map(|_| event.flight_id().uuid())
    }

    fn missing(event_type: &str) -> &'static str {
        match event_type {
            "FlightLanded" => "landingWithoutArrivals",
            _ => "deletionWithPassengers",
        }
    }

    async fn react(&self, event: &FlightEvent, _: Revision, cause: Cause) -> Result<(), ReactionError> {
        let Some(ending) = event.ending() else { return Ok(()) };
        self.manifests.close_manifest(event.flight_id(), ending, cause).await?;
        Ok(())
    }
}
