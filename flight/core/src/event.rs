mod details;

use flight_contract::FlightId;
use shared_kernel::Revision;

use details::{FlightCreatedV1, FlightDetailsCorrectedV1};

pub use details::StoredDetails;

shared_kernel::events! {
    /// What has happened to a flight.
    pub enum FlightEvent about FlightId, keyed by flight_id: FlightId = "flightId";

    /// A flight was announced, at the gate.
    Created(FlightCreated), version 2 (1: FlightCreatedV1), about flight_id {
        /// Which flight.
        flight_id: FlightId,
        /// What was known about it.
        #[serde(flatten)]
        details: StoredDetails,
    }

    /// What is known about a flight was replaced.
    DetailsCorrected(FlightDetailsCorrected), version 2 (1: FlightDetailsCorrectedV1), about flight_id {
        /// Which flight.
        flight_id: FlightId,
        /// All of its details from then on.
        #[serde(flatten)]
        details: StoredDetails,
    }

    /// A flight heard that everybody on its manifest has boarded.
    AllBoarded(FlightAllBoarded), version 1, about flight_id {
        /// Which flight.
        flight_id: FlightId,
        /// Where in the passenger stream that became so.
        manifest_revision: Revision,
    }

    /// A flight heard that somebody on its manifest has not boarded, or nobody is left on it.
    BoardingReopened(FlightBoardingReopened), version 1, about flight_id {
        /// Which flight.
        flight_id: FlightId,
        /// Where in the passenger stream that became so.
        manifest_revision: Revision,
    }

    /// A flight left the gate.
    Disembarked(FlightDisembarked), version 1, about flight_id {
        /// Which flight.
        flight_id: FlightId,
    }

    /// A flight landed.
    Landed(FlightLanded), version 1, about flight_id {
        /// Which flight.
        flight_id: FlightId,
    }

    /// A flight was deleted.
    Deleted(FlightDeleted), version 1, about flight_id {
        /// Which flight.
        flight_id: FlightId,
    }
}
