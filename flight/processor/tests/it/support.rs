//! A flight processor with an event store and a database of its own.

use std::time::Duration;

use eventstore::{AppendToStreamOptions, Client, EventData};
use flight_processor::FlightProcessor;
use jetbridge_testing::{Api, SERVICE_TOKEN, TestDatabase, TestEventStore, TestService};
use shared_processor::Config;
use shared_service::settings::SecretUrl;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A flight processor, and a client of it.
pub(crate) async fn start(store: &TestEventStore, database: &TestDatabase) -> (TestService, Api) {
    let (database_url, event_store) = (SecretUrl::new(database.url()), SecretUrl::new(store.connection_string()));
    // Nobody is there.
    let apis = [("passenger", "http://127.0.0.1:1".parse().unwrap())].into();
    let config = Config {
        database_connections: 4,
        ..Config::new(database_url, event_store, apis, SERVICE_TOKEN.parse().unwrap())
    };
    let service = TestService::start(|listener, shutdown| async move {
        shared_processor::run::<FlightProcessor>(config, listener, shutdown).await.unwrap();
    })
    .await;
    let api = service.inner_api();
    (service, api)
}

/// Events of a known type that cannot be read, each about something of its own.
pub(crate) async fn append_unreadable(store: &TestEventStore, count: usize) {
    let client = Client::new(store.connection_string().parse().unwrap()).unwrap();
    let events = (0..count).map(|_| EventData::binary("FlightCreated", "{".into()));
    client
        .append_to_stream("flight-stream", &AppendToStreamOptions::default(), events.collect::<Vec<_>>())
        .await
        .unwrap();
}
