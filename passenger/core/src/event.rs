use serde::{Deserialize, Serialize};
use shared_kernel::{DomainEvent, FlightId, PassengerId, UndecodableEvent, decode_json};

use crate::{Ending, OffloadReason, PassengerName};

/// What has happened to a passenger or a manifest. Serialises as its data alone, without its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PassengerEvent {
    /// A passenger was added to the manifest.
    CheckedIn(PassengerCheckedIn),
    /// A passenger's name was replaced.
    NameCorrected(PassengerNameCorrected),
    /// A passenger went on board.
    Boarded(PassengerBoarded),
    /// A passenger was taken off before departure.
    Offloaded(PassengerOffloaded),
    /// A passenger landed with the flight.
    Arrived(PassengerArrived),
    /// A passenger was removed with the flight.
    Removed(PassengerRemoved),
    /// Everybody on the manifest has boarded.
    ManifestCompleted(ManifestCompleted),
    /// Somebody on a complete manifest has not boarded, or nobody is on board any more.
    ManifestReopened(ManifestReopened),
    /// The flight may depart with those on board. Only its end changes the manifest from then on.
    ManifestSealed(ManifestSealed),
    /// The flight has ended, and with it the manifest.
    ManifestClosed(ManifestClosed),
}

/// A passenger was added to the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassengerCheckedIn {
    /// The flight.
    pub flight_id: FlightId,
    /// Which passenger.
    pub passenger_id: PassengerId,
    /// What they are called.
    pub name: PassengerName,
}

/// A passenger's name was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassengerNameCorrected {
    /// The flight.
    pub flight_id: FlightId,
    /// Which passenger.
    pub passenger_id: PassengerId,
    /// What they are called from then on.
    pub name: PassengerName,
}

/// A passenger went on board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassengerBoarded {
    /// The flight.
    pub flight_id: FlightId,
    /// Which passenger.
    pub passenger_id: PassengerId,
}

/// A passenger was taken off before departure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassengerOffloaded {
    /// The flight.
    pub flight_id: FlightId,
    /// Which passenger.
    pub passenger_id: PassengerId,
    /// Why.
    pub reason: OffloadReason,
}

/// A passenger landed with the flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassengerArrived {
    /// The flight.
    pub flight_id: FlightId,
    /// Which passenger.
    pub passenger_id: PassengerId,
}

/// A passenger was removed with the flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassengerRemoved {
    /// The flight.
    pub flight_id: FlightId,
    /// Which passenger.
    pub passenger_id: PassengerId,
}

/// Everybody on the manifest has boarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestCompleted {
    /// The flight.
    pub flight_id: FlightId,
    /// How many are on board.
    pub boarded: u64,
}

/// Somebody on a complete manifest has not boarded, or nobody is on board any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestReopened {
    /// The flight.
    pub flight_id: FlightId,
    /// How many have not boarded.
    pub missing: u64,
}

/// The flight may depart with those on board. Only its end changes the manifest from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestSealed {
    /// The flight.
    pub flight_id: FlightId,
    /// How many are on board.
    pub boarded: u64,
}

/// The flight has ended, and with it the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestClosed {
    /// The flight.
    pub flight_id: FlightId,
    /// How it ended.
    pub ending: Ending,
}

/// The stored event types.
mod event_type {
    pub(super) const CHECKED_IN: &str = "PassengerCheckedIn";
    pub(super) const NAME_CORRECTED: &str = "PassengerNameCorrected";
    pub(super) const BOARDED: &str = "PassengerBoarded";
    pub(super) const OFFLOADED: &str = "PassengerOffloaded";
    pub(super) const ARRIVED: &str = "PassengerArrived";
    pub(super) const REMOVED: &str = "PassengerRemoved";
    pub(super) const MANIFEST_COMPLETED: &str = "ManifestCompleted";
    pub(super) const MANIFEST_REOPENED: &str = "ManifestReopened";
    pub(super) const MANIFEST_SEALED: &str = "ManifestSealed";
    pub(super) const MANIFEST_CLOSED: &str = "ManifestClosed";
}

impl PassengerEvent {
    /// Every stored event type.
    pub const TYPES: [&str; 10] = [
        event_type::CHECKED_IN,
        event_type::NAME_CORRECTED,
        event_type::BOARDED,
        event_type::OFFLOADED,
        event_type::ARRIVED,
        event_type::REMOVED,
        event_type::MANIFEST_COMPLETED,
        event_type::MANIFEST_REOPENED,
        event_type::MANIFEST_SEALED,
        event_type::MANIFEST_CLOSED,
    ];

    /// The flight whose manifest it is about.
    #[must_use]
    pub const fn flight_id(&self) -> FlightId {
        match self {
            Self::CheckedIn(event) => event.flight_id,
            Self::NameCorrected(event) => event.flight_id,
            Self::Boarded(event) => event.flight_id,
            Self::Offloaded(event) => event.flight_id,
            Self::Arrived(event) => event.flight_id,
            Self::Removed(event) => event.flight_id,
            Self::ManifestCompleted(event) => event.flight_id,
            Self::ManifestReopened(event) => event.flight_id,
            Self::ManifestSealed(event) => event.flight_id,
            Self::ManifestClosed(event) => event.flight_id,
        }
    }

    /// The passenger it is about, unless it is about the manifest as a whole.
    #[must_use]
    pub const fn passenger_id(&self) -> Option<PassengerId> {
        match self {
            Self::CheckedIn(event) => Some(event.passenger_id),
            Self::NameCorrected(event) => Some(event.passenger_id),
            Self::Boarded(event) => Some(event.passenger_id),
            Self::Offloaded(event) => Some(event.passenger_id),
            Self::Arrived(event) => Some(event.passenger_id),
            Self::Removed(event) => Some(event.passenger_id),
            Self::ManifestCompleted(_)
            | Self::ManifestReopened(_)
            | Self::ManifestSealed(_)
            | Self::ManifestClosed(_) => None,
        }
    }
}

impl DomainEvent for PassengerEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::CheckedIn(_) => event_type::CHECKED_IN,
            Self::NameCorrected(_) => event_type::NAME_CORRECTED,
            Self::Boarded(_) => event_type::BOARDED,
            Self::Offloaded(_) => event_type::OFFLOADED,
            Self::Arrived(_) => event_type::ARRIVED,
            Self::Removed(_) => event_type::REMOVED,
            Self::ManifestCompleted(_) => event_type::MANIFEST_COMPLETED,
            Self::ManifestReopened(_) => event_type::MANIFEST_REOPENED,
            Self::ManifestSealed(_) => event_type::MANIFEST_SEALED,
            Self::ManifestClosed(_) => event_type::MANIFEST_CLOSED,
        }
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn decode(event_type: &str, schema_version: u32, data: &[u8]) -> Result<Self, UndecodableEvent> {
        match (event_type, schema_version) {
            (event_type::CHECKED_IN, 1) => decode_json(event_type, data).map(Self::CheckedIn),
            (event_type::NAME_CORRECTED, 1) => decode_json(event_type, data).map(Self::NameCorrected),
            (event_type::BOARDED, 1) => decode_json(event_type, data).map(Self::Boarded),
            (event_type::OFFLOADED, 1) => decode_json(event_type, data).map(Self::Offloaded),
            (event_type::ARRIVED, 1) => decode_json(event_type, data).map(Self::Arrived),
            (event_type::REMOVED, 1) => decode_json(event_type, data).map(Self::Removed),
            (event_type::MANIFEST_COMPLETED, 1) => decode_json(event_type, data).map(Self::ManifestCompleted),
            (event_type::MANIFEST_REOPENED, 1) => decode_json(event_type, data).map(Self::ManifestReopened),
            (event_type::MANIFEST_SEALED, 1) => decode_json(event_type, data).map(Self::ManifestSealed),
            (event_type::MANIFEST_CLOSED, 1) => decode_json(event_type, data).map(Self::ManifestClosed),
            (known, version) if Self::TYPES.contains(&known) => {
                Err(UndecodableEvent::UnknownVersion { event_type: known.to_owned(), version })
            }
            (unknown, _) => Err(UndecodableEvent::UnknownType(unknown.to_owned())),
        }
    }
}
