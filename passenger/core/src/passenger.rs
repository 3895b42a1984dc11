use flight_contract::FlightId;
use passenger_contract::PassengerId;

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

shared_kernel::named! {
    /// How far a passenger has come.
    pub enum PassengerStatus {
        /// On the manifest, and not on board yet.
        CheckedIn = "checkedIn",
        /// On board.
        Boarded = "boarded",
        /// The flight they were on board of has landed.
        Arrived = "arrived",
        /// Taken off before departure: a no-show, denied, or of their own wish. The flight does not wait for them.
        Offloaded = "offloaded",
    }
}
