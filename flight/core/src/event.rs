use serde::{Deserialize, Serialize};
use shared_kernel::{DomainEvent, FlightId, Revision, UndecodableEvent, decode_json};

use crate::FlightDetails;

/// What has happened to a flight. Serialises as its data alone, without its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FlightEvent {
    /// A flight was announced, at the gate.
    Created(FlightCreated),
    /// What is known about a flight was replaced.
    DetailsCorrected(FlightDetailsCorrected),
    /// A flight heard that everybody on its manifest has boarded.
    AllBoarded(FlightAllBoarded),
    /// A flight heard that somebody on its manifest has not boarded, or nobody is left on it.
    BoardingReopened(FlightBoardingReopened),
    /// A flight left the gate.
    Disembarked(FlightDisembarked),
    /// A flight landed.
    Landed(FlightLanded),
    /// A flight was deleted.
    Deleted(FlightDeleted),
}

/// A flight was announced, at the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlightCreated {
    /// Which flight.
    pub flight_id: FlightId,
    /// What was known about it.
    #[serde(flatten)]
    pub details: FlightDetails,
}

/// What is known about a flight was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlightDetailsCorrected {
    /// Which flight.
    pub flight_id: FlightId,
    /// All of its details from then on.
    #[serde(flatten)]
    pub details: FlightDetails,
}

/// A flight heard that everybody on its manifest has boarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlightAllBoarded {
    /// Which flight.
    pub flight_id: FlightId,
    /// Where in the passenger stream that became so.
    pub manifest_revision: Revision,
}

/// A flight heard that somebody on its manifest has not boarded, or nobody is left on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlightBoardingReopened {
    /// Which flight.
    pub flight_id: FlightId,
    /// Where in the passenger stream that became so.
    pub manifest_revision: Revision,
}

/// A flight left the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlightDisembarked {
    /// Which flight.
    pub flight_id: FlightId,
}

/// A flight landed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlightLanded {
    /// Which flight.
    pub flight_id: FlightId,
}

/// A flight was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlightDeleted {
    /// Which flight.
    pub flight_id: FlightId,
}

/// The stored event types.
mod event_type {
    pub(super) const CREATED: &str = "FlightCreated";
    pub(super) const DETAILS_CORRECTED: &str = "FlightDetailsCorrected";
    pub(super) const ALL_BOARDED: &str = "FlightAllBoarded";
    pub(super) const BOARDING_REOPENED: &str = "FlightBoardingReopened";
    pub(super) const DISEMBARKED: &str = "FlightDisembarked";
    pub(super) const LANDED: &str = "FlightLanded";
    pub(super) const DELETED: &str = "FlightDeleted";
}

impl FlightEvent {
    /// Every stored event type.
    pub const TYPES: [&str; 7] = [
        event_type::CREATED,
        event_type::DETAILS_CORRECTED,
        event_type::ALL_BOARDED,
        event_type::BOARDING_REOPENED,
        event_type::DISEMBARKED,
        event_type::LANDED,
        event_type::DELETED,
    ];

    /// The flight that it happened to.
    #[must_use]
    pub const fn flight_id(&self) -> FlightId {
        match self {
            Self::Created(event) => event.flight_id,
            Self::DetailsCorrected(event) => event.flight_id,
            Self::AllBoarded(event) => event.flight_id,
            Self::BoardingReopened(event) => event.flight_id,
            Self::Disembarked(event) => event.flight_id,
            Self::Landed(event) => event.flight_id,
            Self::Deleted(event) => event.flight_id,
        }
    }
}

impl DomainEvent for FlightEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Created(_) => event_type::CREATED,
            Self::DetailsCorrected(_) => event_type::DETAILS_CORRECTED,
            Self::AllBoarded(_) => event_type::ALL_BOARDED,
            Self::BoardingReopened(_) => event_type::BOARDING_REOPENED,
            Self::Disembarked(_) => event_type::DISEMBARKED,
            Self::Landed(_) => event_type::LANDED,
            Self::Deleted(_) => event_type::DELETED,
        }
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn decode(event_type: &str, schema_version: u32, data: &[u8]) -> Result<Self, UndecodableEvent> {
        match (event_type, schema_version) {
            (event_type::CREATED, 1) => decode_json(event_type, data).map(Self::Created),
            (event_type::DETAILS_CORRECTED, 1) => decode_json(event_type, data).map(Self::DetailsCorrected),
            (event_type::ALL_BOARDED, 1) => decode_json(event_type, data).map(Self::AllBoarded),
            (event_type::BOARDING_REOPENED, 1) => decode_json(event_type, data).map(Self::BoardingReopened),
            (event_type::DISEMBARKED, 1) => decode_json(event_type, data).map(Self::Disembarked),
            (event_type::LANDED, 1) => decode_json(event_type, data).map(Self::Landed),
            (event_type::DELETED, 1) => decode_json(event_type, data).map(Self::Deleted),
            (known, version) if Self::TYPES.contains(&known) => {
                Err(UndecodableEvent::UnknownVersion { event_type: known.to_owned(), version })
            }
            (unknown, _) => Err(UndecodableEvent::UnknownType(unknown.to_owned())),
        }
    }
}
