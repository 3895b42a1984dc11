use flight_contract::FlightId;
use flight_core::{Flight, FlightDetails, FlightNumber, FlightStatus, OffsetDateTime, PlaceName};
use serde::Serialize;
use shared_kernel::{Revision, SearchText};

/// A flight as callers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlightView {
    /// Which flight.
    pub id: FlightId,
    /// What people say about it.
    #[serde(flatten)]
    pub details: FlightDetails,
    /// How far it has come.
    pub status: FlightStatus,
    /// The number of the last event about it.
    #[serde(skip)]
    pub version: Revision,
}

shared_kernel::described! {
    FlightView as "Flight", "A flight" {
        "id": FlightId = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
        "flightNumber": FlightNumber = "JB 101",
        "origin": PlaceName = "HAM",
        "destination": PlaceName = "Oslo",
        "scheduledDeparture": Option<OffsetDateTime> = "2026-05-01T12:30:00+02:00",
        "status": FlightStatus = "waitingForBoarding",
    }
}

impl From<&Flight> for FlightView {
    fn from(flight: &Flight) -> Self {
        Self { id: flight.id, details: flight.details.clone(), status: flight.status, version: flight.version }
    }
}

/// Which flights a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlightFilter {
    /// Only those with one of these statuses.
    pub statuses: Option<Vec<FlightStatus>>,
    /// Only those whose number, origin or destination contains this, as a search finds it.
    pub text: Option<SearchText>,
    /// Only these.
    pub ids: Option<Vec<FlightId>>,
}
