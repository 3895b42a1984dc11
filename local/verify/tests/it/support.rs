//! A system without services: streams, and tables that nobody writes to.

use std::time::Duration;

use eventstore::{AppendToStreamOptions, Client, EventData};
use flight_core::FlightEvent;
use flight_infrastructure::FlightProjection;
use jetbridge_testing::{TestDatabase, TestEventStore};
use jetbridge_verify::{Stores, Summary, Violation, verify};
use passenger_core::PassengerEvent;
use passenger_infrastructure::PassengerProjection;
use serde_json::json;
use shared_infrastructure::reader::Projection;
use shared_infrastructure::testing::{migrate, project};
use shared_kernel::DomainEvent;

pub(crate) use crate::flight_samples::{FLIGHT, all_boarded, created, deleted, departed, landed};
use crate::passenger_samples;
pub(crate) use crate::passenger_samples::{MAX, ZOE, arrived, boarded, checked_in, closed};

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

pub(crate) fn completed() -> PassengerEvent {
    passenger_samples::completed(1)
}

pub(crate) fn sealed() -> PassengerEvent {
    passenger_samples::sealed(1)
}
