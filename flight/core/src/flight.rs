use flight_contract::FlightId;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use shared_kernel::{Revision, Text};

use crate::OffsetDateTime;

/// What the flight is called on the board, such as `JB 101`.
pub type FlightNumber = Text<10>;

/// Where a flight starts or ends: an IATA code or the name of a place.
pub type Place = Text<100>;

/// What people say about a flight, and may correct while it is at the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlightDetails {
    /// What the flight is called.
    pub flight_number: FlightNumber,
    /// Where it starts.
    pub origin: Place,
    /// Where it is going.
    pub destination: Place,
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

/// How far a flight has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FlightStatus {
    /// At the gate; somebody has not boarded, or nobody is on the manifest yet.
    WaitingForBoarding,
    /// At the gate; everybody on the manifest has boarded, as far as the flight has heard.
    AllBoarded,
    /// It has left the gate.
    Disembarked,
    /// It has landed.
    Arrived,
}

impl FlightStatus {
    /// Every status, in the order in which a flight goes through them.
    pub const ALL: [Self; 4] = [Self::WaitingForBoarding, Self::AllBoarded, Self::Disembarked, Self::Arrived];

    /// The status as it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WaitingForBoarding => "waitingForBoarding",
            Self::AllBoarded => "allBoarded",
            Self::Disembarked => "disembarked",
            Self::Arrived => "arrived",
        }
    }

    /// Whether the flight has not left the gate.
    #[must_use]
    pub const fn is_at_gate(self) -> bool {
        matches!(self, Self::WaitingForBoarding | Self::AllBoarded)
    }
}

impl fmt::Display for FlightStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text is not a flight's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of waitingForBoarding, allBoarded, disembarked, arrived")]
pub struct UnknownFlightStatus;

impl FromStr for FlightStatus {
    type Err = UnknownFlightStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownFlightStatus)
    }
}
