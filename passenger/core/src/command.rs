use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};
use shared_kernel::IfVersion;

use crate::{OffloadReason, PassengerName};

/// What can be asked of the passenger domain.
///
/// Where there is an `if_version`, it says which [`crate::Passenger::version`] the command is meant for, and the command
/// is rejected as stale if the passenger has another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassengerCommand {
    /// Add a passenger to a flight that is known to exist.
    CheckIn {
        /// A new identifier.
        passenger_id: PassengerId,
        /// The flight.
        flight_id: FlightId,
        /// What the passenger is called.
        name: PassengerName,
    },
    /// Replace a passenger's name, while the manifest is open.
    CorrectName {
        /// Which passenger.
        passenger_id: PassengerId,
        /// The name, corrected.
        name: PassengerName,
        /// The version that was corrected.
        if_version: Option<IfVersion>,
    },
    /// Let a passenger who is checked in board.
    Board {
        /// Which passenger.
        passenger_id: PassengerId,
        /// The version that is to board.
        if_version: Option<IfVersion>,
    },
    /// Take a passenger off the flight before it departs, also one who has boarded.
    Offload {
        /// Which passenger.
        passenger_id: PassengerId,
        /// Why.
        reason: OffloadReason,
        /// The version that is to be taken off.
        if_version: Option<IfVersion>,
    },
    /// Seal the manifest of a flight that is about to depart. Does nothing to a sealed manifest.
    Seal {
        /// The flight.
        flight_id: FlightId,
    },
    /// Close the manifest of a flight that has ended, for good: first the manifest, so that nobody can be added any
    /// more, then its passengers, at most [`crate::MAX_CLOSED_PER_COMMAND`] at once. Never rejected. To be repeated
    /// until [`crate::Manifest::is_finished`] says that it is.
    Close {
        /// The flight.
        flight_id: FlightId,
        /// How it ended.
        ending: FlightEnding,
    },
    /// Remove passengers of a deleted flight who are not listed any more ([`crate::Manifest::unlisted`]), at most
    /// [`crate::MAX_CLOSED_PER_COMMAND`] at once. They have to be known from elsewhere. Never rejected: whoever was
    /// removed already, and everybody on a manifest that lists its passengers, is left alone.
    RemoveUnlisted {
        /// The flight.
        flight_id: FlightId,
        /// Who was on it.
        passengers: Vec<PassengerId>,
    },
}
