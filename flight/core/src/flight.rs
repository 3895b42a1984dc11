use flight_contract::FlightId;
use serde::{Deserialize, Serialize};
use shared_kernel::{Revision, Text};

use crate::OffsetDateTime;

/// What the flight is called on the board, such as `JB 101`.
pub type FlightNumber = Text<10>;

/// Where a flight starts or ends: an IATA code or the name of a place.
pub type PlaceName = Text<100>;

/// What people say about a flight, and may correct while it is at the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlightDetails {
    /// What the flight is called.
    pub flight_number: FlightNumber,
    /// Where it starts.
    pub origin: PlaceName,
    /// Where it is going.
    pub destination: PlaceName,
    /// When it should leave the gate, as it was given, if that is known.
    pub scheduled_departure: Option<OffsetDateTime>,
}

/// One departure, as its events left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flight {
    /// Which flight.
    pub id: FlightId,
    /// What people say about it.
    pub details: FlightDetails,
    /// How far it has come.
    pub status: FlightStatus,
    /// The number of the last event about it.
    pub version: Revision,
    /// The newest news of its manifest that it knows, as a revision of the passenger stream.
    pub manifest_revision: Option<Revision>,
}

shared_kernel::named! {
    /// How far a flight has come. The values stand in the order in which a flight goes through them.
    pub enum FlightStatus {
        /// At the gate; somebody has not boarded, or nobody is on board.
        WaitingForBoarding = "waitingForBoarding",
        /// At the gate; everybody on the manifest has boarded, as far as the flight has heard.
        AllBoarded = "allBoarded",
        /// It has left the gate.
        Departed = "disembarked",
        /// It has landed.
        Arrived = "arrived",
    }
}

impl FlightStatus {
    /// Whether the flight has not left the gate.
    #[must_use]
    pub const fn is_at_gate(self) -> bool {
        matches!(self, Self::WaitingForBoarding | Self::AllBoarded)
    }
}
