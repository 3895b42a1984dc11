use flight_contract::FlightId;
use passenger_contract::PassengerId;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use shared_kernel::{Revision, Text};

/// What a passenger is called. Personal data: for people, not for logs.
pub type PassengerName = Text<100>;

/// Why a passenger was taken off the flight. May be personal: for people, not for logs.
pub type OffloadReason = Text<100>;

/// Somebody on the manifest of one flight, as their events left them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passenger {
    /// Which passenger.
    pub id: PassengerId,
    /// The flight on whose manifest they are.
    pub flight_id: FlightId,
    /// What they are called.
    pub name: PassengerName,
    /// How far they have come.
    pub status: PassengerStatus,
    /// The number of the last event about them.
    pub version: Revision,
}

/// How far a passenger has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PassengerStatus {
    /// On the manifest, and not on board yet.
    CheckedIn,
    /// On board.
    Boarded,
    /// The flight they were on board of has landed.
    Arrived,
    /// Taken off before departure: a no-show, denied, or of their own wish. The flight does not wait for them.
    Offloaded,
}

impl PassengerStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::CheckedIn, Self::Boarded, Self::Arrived, Self::Offloaded];

    /// The status as it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CheckedIn => "checkedIn",
            Self::Boarded => "boarded",
            Self::Arrived => "arrived",
            Self::Offloaded => "offloaded",
        }
    }
}

impl fmt::Display for PassengerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text is not a passenger's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of checkedIn, boarded, arrived, offloaded")]
pub struct UnknownPassengerStatus;

impl FromStr for PassengerStatus {
    type Err = UnknownPassengerStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownPassengerStatus)
    }
}
