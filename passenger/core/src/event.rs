use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};

use crate::{OffloadReason, PassengerName, PassengerSubject};

// Passengers arrive and are removed only by closing their manifest, so that is what these commands are about.
shared_kernel::events! {
    /// What has happened to a passenger or a manifest.
    pub enum PassengerEvent about PassengerSubject, keyed by flight_id: FlightId = "flightId";

    /// A passenger was added to the manifest.
    CheckedIn(PassengerCheckedIn), version 1, about Passenger(passenger_id) {
        /// The flight.
        flight_id: FlightId,
        /// Which passenger.
        passenger_id: PassengerId,
        /// What they are called.
        name: PassengerName,
    }

    /// A passenger's name was replaced.
    NameCorrected(PassengerNameCorrected), version 1, about Passenger(passenger_id) {
        /// The flight.
        flight_id: FlightId,
        /// Which passenger.
        passenger_id: PassengerId,
        /// What they are called from then on.
        name: PassengerName,
    }

    /// A passenger went on board.
    Boarded(PassengerBoarded), version 1, about Passenger(passenger_id) {
        /// The flight.
        flight_id: FlightId,
        /// Which passenger.
        passenger_id: PassengerId,
    }

    /// A passenger was taken off before departure.
    Offloaded(PassengerOffloaded), version 1, about Passenger(passenger_id) {
        /// The flight.
        flight_id: FlightId,
        /// Which passenger.
        passenger_id: PassengerId,
        /// Why.
        reason: OffloadReason,
    }

    /// A passenger landed with the flight.
    Arrived(PassengerArrived), version 1, about Manifest(flight_id) {
        /// The flight.
        flight_id: FlightId,
        /// Which passenger.
        passenger_id: PassengerId,
    }

    /// A passenger was removed with the flight.
    Removed(PassengerRemoved), version 1, about Manifest(flight_id) {
        /// The flight.
        flight_id: FlightId,
        /// Which passenger.
        passenger_id: PassengerId,
    }

    /// Everybody on the manifest has boarded.
    ManifestCompleted(ManifestCompleted), version 1, about Manifest(flight_id) {
        /// The flight.
        flight_id: FlightId,
        /// How many are on board.
        boarded: u64,
    }

    /// Somebody on a complete manifest has not boarded, or nobody is on board any more.
    ManifestReopened(ManifestReopened), version 1, about Manifest(flight_id) {
        /// The flight.
        flight_id: FlightId,
        /// How many have not boarded.
        missing: u64,
    }

    /// The flight may depart with those on board. Only its end changes the manifest from then on.
    ManifestSealed(ManifestSealed), version 1, about Manifest(flight_id) {
        /// The flight.
        flight_id: FlightId,
        /// How many are on board.
        boarded: u64,
    }

    /// The flight has ended, and with it the manifest.
    ManifestClosed(ManifestClosed), version 1, about Manifest(flight_id) {
        /// The flight.
        flight_id: FlightId,
        /// How it ended.
        ending: FlightEnding,
    }
}

/// What other domains have to hear about a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestNews {
    /// Whether everybody has boarded.
    Complete(bool),
    /// That its flight departs.
    Sealed,
}

impl PassengerEvent {
    /// What other domains have to hear of this event.
    #[must_use]
    pub const fn news(&self) -> Option<ManifestNews> {
        match self {
            Self::ManifestCompleted(_) => Some(ManifestNews::Complete(true)),
            Self::ManifestReopened(_) => Some(ManifestNews::Complete(false)),
            Self::ManifestSealed(_) => Some(ManifestNews::Sealed),
            Self::CheckedIn(_)
            | Self::NameCorrected(_)
            | Self::Boarded(_)
            | Self::Offloaded(_)
            | Self::Arrived(_)
            | Self::Removed(_)
            | Self::ManifestClosed(_) => None,
        }
    }
}
