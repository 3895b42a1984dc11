//! What events store of a flight's details, in every version.

use flight_contract::FlightId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FlightCreated, FlightDetailsCorrected};
use crate::{FlightDetails, FlightNumber, OffsetDateTime, Place};

/// What is stored of [`FlightDetails`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredDetails {
    /// What the flight is called.
    pub flight_number: FlightNumber,
    /// Where it starts.
    pub origin: Place,
    /// Where it is going.
    pub destination: Place,
    /// When it should leave the gate, as it was given, if that is known.
    #[serde(default)]
    pub scheduled_departure: Option<OffsetDateTime>,
}

impl From<FlightDetails> for StoredDetails {
    fn from(details: FlightDetails) -> Self {
        let FlightDetails { flight_number, origin, destination, scheduled_departure } = details;
        Self { flight_number, origin, destination, scheduled_departure }
    }
}

impl From<StoredDetails> for FlightDetails {
    fn from(stored: StoredDetails) -> Self {
        let StoredDetails { flight_number, origin, destination, scheduled_departure } = stored;
        Self { flight_number, origin, destination, scheduled_departure }
    }
}

/// Version 1 knew the point in time of a departure, but not the offset that it was given with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredDetailsV1 {
    flight_number: FlightNumber,
    origin: Place,
    destination: Place,
    #[serde(default)]
    scheduled_departure: Option<Timestamp>,
}

impl From<StoredDetailsV1> for StoredDetails {
    fn from(v1: StoredDetailsV1) -> Self {
        let StoredDetailsV1 { flight_number, origin, destination, scheduled_departure } = v1;
        Self { flight_number, origin, destination, scheduled_departure: scheduled_departure.map(OffsetDateTime::utc) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FlightCreatedV1 {
    flight_id: FlightId,
    #[serde(flatten)]
    details: StoredDetailsV1,
}

impl From<FlightCreatedV1> for FlightCreated {
    fn from(v1: FlightCreatedV1) -> Self {
        Self { flight_id: v1.flight_id, details: v1.details.into() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FlightDetailsCorrectedV1 {
    flight_id: FlightId,
    #[serde(flatten)]
    details: StoredDetailsV1,
}

impl From<FlightDetailsCorrectedV1> for FlightDetailsCorrected {
    fn from(v1: FlightDetailsCorrectedV1) -> Self {
        Self { flight_id: v1.flight_id, details: v1.details.into() }
    }
}
