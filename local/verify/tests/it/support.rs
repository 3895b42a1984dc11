//! A system without services: streams, and tables that nobody writes to.

use std::time::Duration;

use eventstore::{AppendToStreamOptions, Client, EventData};
use flight_contract::FlightId;
use flight_core::{
    FlightAllBoarded, FlightCreated, FlightDeleted, FlightDetails, FlightDisembarked, FlightEvent, FlightLanded,
};
use flight_infrastructure::FlightProjection;
use jetbridge_testing::{TestDatabase, TestEventStore};
use jetbridge_verify::{Stores, Summary, Violation, verify};
use passenger_contract::{FlightEnding, PassengerId};
use passenger_core::{
    ManifestClosed, ManifestCompleted, ManifestSealed, PassengerArrived, PassengerBoarded, PassengerCheckedIn,
    PassengerEvent,
};
use passenger_infrastructure::PassengerProjection;
use serde_json::json;
use shared_infrastructure::reader::Projection;
use shared_infrastructure::testing::{migrate, project};
use shared_kernel::{DomainEvent, Revision, Text};
use uuid::Uuid;

pub(crate) const FLIGHT: FlightId = FlightId::new(Uuid::from_u128(1));
pub(crate) const ZOE: PassengerId = PassengerId::new(Uuid::from_u128(2));
pub(crate) const MAX: PassengerId = PassengerId::new(Uuid::from_u128(3));

pub(crate) struct System {
    event_store: TestEventStore,
    pub(crate) flights: TestDatabase,
    pub(crate) passengers: TestDatabase,
}

impl System {
    pub(crate) async fn start() -> Self {
        let (flights, passengers) = (TestDatabase::create().await, TestDatabase::create().await);
        migrate(&flights.url(), &flight_infrastructure::migrations()).await;
        migrate(&passengers.url(), &passenger_infrastructure::migrations()).await;
        Self { event_store: TestEventStore::start_ordinary().await, flights, passengers }
    }

    /// Appends an event, as the other domain's may come between any two.
    pub(crate) async fn append(&self, event: impl Into<Event>) {
        let (stream, event_type, version, data) = match event.into() {
            Event::Flight(event) => ("flight-stream", event.event_type(), event.schema_version(), event.encode()),
            Event::Passenger(event) => ("passenger-stream", event.event_type(), event.schema_version(), event.encode()),
        };
        let metadata = serde_json::to_vec(&json!({"schemaVersion": version})).unwrap();
        self.append_raw(stream, EventData::binary(event_type, data.unwrap().into()).metadata(metadata.into())).await;
    }

    pub(crate) async fn append_raw(&self, stream: &str, event: EventData) {
        let client = Client::new(self.event_store.connection_string().parse().unwrap()).unwrap();
        client.append_to_stream(stream, &AppendToStreamOptions::default(), event).await.unwrap();
    }

    pub(crate) async fn append_all(&self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.append(event).await;
        }
    }

    /// Brings the tables to the end of these streams.
    pub(crate) async fn project(&self, flights: Vec<FlightEvent>, passengers: Vec<PassengerEvent>) {
        let ends = [
            (&self.flights, FlightProjection::NAME, flights.len()),
            (&self.passengers, PassengerProjection::NAME, passengers.len()),
        ];
        for (database, name, events) in ends {
            let checkpoint = i64::try_from(events).unwrap() - 1;
            let sql = "INSERT INTO checkpoints (name, revision) VALUES ($1, $2)";
            database.client().await.execute(sql, &[&name, &checkpoint]).await.unwrap();
        }
        project(&self.flights.url(), &FlightProjection, flights).await;
        project(&self.passengers.url(), &PassengerProjection, passengers).await;
    }

    pub(crate) fn stores(&self) -> Stores {
        Stores {
            event_store: self.event_store.connection_string().to_owned(),
            flight_database: self.flights.url(),
            passenger_database: self.passengers.url(),
        }
    }

    /// What is found, each with its place.
    pub(crate) async fn violations(&self) -> Vec<String> {
        self.verify().await.1
    }

    pub(crate) async fn verify(&self) -> (Summary, Vec<String>) {
        let mut found = Vec::new();
        let report = |violation: &Violation| found.push(violation.to_string());
        let summary = verify(&self.stores(), Duration::from_millis(300), report).await.unwrap();
        assert_eq!(summary.violations, found.len());
        (summary, found)
    }
}

/// An event of either domain.
#[derive(Clone)]
pub(crate) enum Event {
    Flight(FlightEvent),
    Passenger(PassengerEvent),
}

impl From<FlightEvent> for Event {
    fn from(event: FlightEvent) -> Self {
        Self::Flight(event)
    }
}

impl From<PassengerEvent> for Event {
    fn from(event: PassengerEvent) -> Self {
        Self::Passenger(event)
    }
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).unwrap()
}

pub(crate) fn created() -> FlightEvent {
    let (flight_number, origin, destination) = (text("JB 1"), text("HAM"), text("OSL"));
    let details = FlightDetails { flight_number, origin, destination, scheduled_departure: None };
    FlightEvent::Created(FlightCreated { flight_id: FLIGHT, details: details.into() })
}

pub(crate) fn all_boarded(manifest_revision: u64) -> FlightEvent {
    FlightEvent::AllBoarded(FlightAllBoarded { flight_id: FLIGHT, manifest_revision: Revision(manifest_revision) })
}

pub(crate) fn departed() -> FlightEvent {
    FlightEvent::Departed(FlightDisembarked { flight_id: FLIGHT })
}

pub(crate) fn landed() -> FlightEvent {
    FlightEvent::Landed(FlightLanded { flight_id: FLIGHT })
}

pub(crate) fn deleted() -> FlightEvent {
    FlightEvent::Deleted(FlightDeleted { flight_id: FLIGHT })
}

pub(crate) fn checked_in(passenger_id: PassengerId) -> PassengerEvent {
    PassengerEvent::CheckedIn(PassengerCheckedIn { flight_id: FLIGHT, passenger_id, name: text("Zoë Ångström") })
}

pub(crate) fn boarded(passenger_id: PassengerId) -> PassengerEvent {
    PassengerEvent::Boarded(PassengerBoarded { flight_id: FLIGHT, passenger_id })
}

pub(crate) fn arrived(passenger_id: PassengerId) -> PassengerEvent {
    PassengerEvent::Arrived(PassengerArrived { flight_id: FLIGHT, passenger_id })
}

pub(crate) fn completed() -> PassengerEvent {
    PassengerEvent::ManifestCompleted(ManifestCompleted { flight_id: FLIGHT, boarded: 1 })
}

pub(crate) fn sealed() -> PassengerEvent {
    PassengerEvent::ManifestSealed(ManifestSealed { flight_id: FLIGHT, boarded: 1 })
}

pub(crate) fn closed(ending: FlightEnding) -> PassengerEvent {
    PassengerEvent::ManifestClosed(ManifestClosed { flight_id: FLIGHT, ending })
}
