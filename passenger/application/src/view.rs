use flight_contract::FlightId;
use passenger_contract::PassengerId;
use passenger_core::{Counts, ManifestState, Passenger, PassengerName, PassengerStatus};
use serde::Serialize;
use shared_kernel::{Revision, SearchText};

/// A passenger as callers see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PassengerView {
    /// Which passenger.
    pub id: PassengerId,
    /// The flight on whose manifest they are.
    pub flight_id: FlightId,
    /// What they are called.
    pub name: PassengerName,
    /// How far they have come.
    pub status: PassengerStatus,
    /// The number of the last event about them.
    #[serde(skip)]
    pub version: Revision,
}

shared_kernel::described! {
    PassengerView as "Passenger", "A passenger" {
        "id": PassengerId = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c",
        "flightId": FlightId = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
        "name": PassengerName = "Ada Lovelace",
        "status": PassengerStatus = "checkedIn",
    }
}

impl From<&Passenger> for PassengerView {
    fn from(passenger: &Passenger) -> Self {
        Self {
            id: passenger.id,
            flight_id: passenger.flight_id,
            name: passenger.name.clone(),
            status: passenger.status,
            version: passenger.version,
        }
    }
}

/// A manifest as callers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestView {
    /// The flight.
    pub flight_id: FlightId,
    /// Whether it takes changes: `open`, `sealed` or `closed`.
    pub state: &'static str,
    /// How many passengers have which status.
    pub counts: Counts,
    /// The first of those who have not boarded, as many as were asked for.
    pub missing: Vec<MissingView>,
    /// The number of the last event about it or one of its passengers; `None` if there was none.
    #[serde(skip)]
    pub version: Option<Revision>,
}

impl ManifestView {
    /// The manifest of a flight that no passenger was ever added to.
    #[must_use]
    pub fn empty(flight_id: FlightId) -> Self {
        let state = ManifestState::Open.as_str();
        Self { flight_id, state, counts: Counts::default(), missing: Vec::new(), version: None }
    }
}

shared_kernel::described! {
    ManifestView as "Manifest", "Who is on a flight, in numbers" {
        "flightId": FlightId = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
        "state": ManifestState = "open",
        "counts": Counts = _,
        "missing": Vec<MissingView> = _,
    }
}

shared_kernel::described! {
    MissingView as "Missing", "Somebody who has not boarded" {
        "id": PassengerId = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c",
        "name": PassengerName = "Ada Lovelace",
    }
}

shared_kernel::described! {
    ManifestWithPassengers as "ManifestWithPassengers", "Who is on a flight" {
        "flightId": FlightId = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
        "state": ManifestState = "open",
        "counts": Counts = _,
        "missing": Vec<MissingView> = _,
        "passengers": Vec<PassengerView> = _,
        "passengersNext": Option<String> = _,
    }
}

/// Somebody who has not boarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingView {
    /// Which passenger.
    pub id: PassengerId,
    /// What they are called.
    pub name: PassengerName,
}

/// A manifest and its passengers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestWithPassengers {
    /// The manifest.
    #[serde(flatten)]
    pub manifest: ManifestView,
    /// Its passengers, in the order in which they were added; not all of them if there are very many.
    pub passengers: Vec<PassengerView>,
    /// The cursor with which the list of the flight's passengers goes on, if these are not all.
    pub passengers_next: Option<String>,
}

/// Which passengers a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PassengerFilter {
    /// Only those of this flight.
    pub flight_id: Option<FlightId>,
    /// Only those with one of these statuses.
    pub statuses: Option<Vec<PassengerStatus>>,
    /// Only those whose name contains this, as a search finds it.
    pub text: Option<SearchText>,
    /// Only these.
    pub ids: Option<Vec<PassengerId>>,
}

/// Which manifests a list shows. Those of deleted flights are never in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManifestFilter {
    /// Only those in one of these states.
    pub states: Option<Vec<&'static str>>,
    /// Only those of these flights.
    pub flight_ids: Option<Vec<FlightId>>,
}
