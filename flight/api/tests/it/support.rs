//! A running flight API, and flights that its projection has written.

use std::ops::Deref;

use eventstore::{AppendToStreamOptions, EventData};
use flight_api::FlightApi;
use flight_contract::FlightId;
use flight_core::{
    FlightAllBoarded, FlightCreated, FlightDetails, FlightDisembarked, FlightEvent, FlightLanded, FlightNumber,
    FlightStatus, PlaceName,
};
use flight_infrastructure::FlightProjection;
use flight_processor::FlightProcessor;
use jetbridge_testing::{Api, SERVICE_TOKEN, TestDatabase, TestEventStore, TestService, texts};
use serde_json::{Value, json};
use shared_infrastructure::reader::Numbered;
use shared_infrastructure::testing;
use shared_kernel::Revision;
use shared_service::settings::{SecretUrl, ServiceUrl};
use uuid::Uuid;

/// A database with the tables of flights.
pub(crate) struct Tables(pub(crate) TestDatabase);

impl Tables {
    pub(crate) async fn create() -> Self {
        let migrations = flight_infrastructure::migrations();
        Self(TestDatabase::create_with(async |url| testing::migrate(&url, &migrations).await).await)
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.0.client().await.batch_execute(sql).await.unwrap();
    }

    /// Adds flights with these statuses and destination, and gives their ids in the order of their creation.
    pub(crate) async fn add(&self, destination: &str, statuses: &[FlightStatus]) -> Vec<String> {
        let (mut ids, mut events) = (Vec::new(), Vec::new());
        for status in statuses {
            let flight_id = FlightId::new(Uuid::now_v7());
            ids.push(flight_id.to_string());
            let details = FlightDetails {
                flight_number: FlightNumber::new("JB1").unwrap(),
                origin: PlaceName::new("HAM").unwrap(),
                destination: PlaceName::new(destination).unwrap(),
                scheduled_departure: None,
            };
            events.push(FlightEvent::Created(FlightCreated { flight_id, details: details.into() }));
            events.extend(match status {
                FlightStatus::WaitingForBoarding => None,
                FlightStatus::AllBoarded => {
                    Some(FlightEvent::AllBoarded(FlightAllBoarded { flight_id, manifest_revision: Revision(0) }))
                }
                FlightStatus::Departed => Some(FlightEvent::Departed(FlightDisembarked { flight_id })),
                FlightStatus::Arrived => Some(FlightEvent::Landed(FlightLanded { flight_id })),
            });
        }
        testing::project(&self.0.url(), &FlightProjection, events).await;
        ids
    }

    /// Projects these events as one batch.
    pub(crate) async fn project(&self, events: &[Numbered<FlightEvent>]) {
        testing::project_batch(&self.0.url(), &FlightProjection, events).await;
    }
}

/// The flight API, listening.
pub(crate) struct TestApi {
    service: TestService,
    client: Api,
    store: TestEventStore,
}

impl TestApi {
    pub(crate) async fn start(tables: &Tables) -> Self {
        Self::start_with(tables, TestEventStore::start().await).await
    }

    async fn start_with(tables: &Tables, store: TestEventStore) -> Self {
        let service = serve(tables, store.connection_string(), SERVICE_TOKEN).await;
        Self { client: service.inner_api(), service, store }
    }

    /// Runs the processor as well, until it is dropped.
    pub(crate) async fn project(&self, tables: &Tables) -> TestService {
        // Nothing that these tests do has to be passed on to it.
        let apis = [("passenger", ServiceUrl::at(self.service.address()).unwrap().into())].into();
        let event_store = SecretUrl::new(self.store.connection_string());
        let config = shared_processor::Config::new(
            SecretUrl::new(tables.0.url()),
            event_store,
            apis,
            SERVICE_TOKEN.parse().unwrap(),
        );
        TestService::start(|listener, shutdown| async move {
            shared_processor::run::<FlightProcessor>(config, listener, shutdown).await.unwrap();
        })
        .await
    }

    /// Appends an event as earlier versions of the software did.
    pub(crate) async fn append_version_1(&self, event_type: &str, data: &Value) {
        let client = eventstore::Client::new(self.store.connection_string().parse().unwrap()).unwrap();
        let event = EventData::json(event_type, data).unwrap().metadata_as_json(&json!({"schemaVersion": 1})).unwrap();
        client.append_to_stream(flight_contract::STREAM.name, &AppendToStreamOptions::default(), event).await.unwrap();
    }

    /// Empties the event store while the API runs.
    pub(crate) async fn empty_store(&mut self) {
        self.store.stop().await;
        self.store.empty();
        self.store.start_again().await;
    }

    /// The address of the event store that it works with.
    pub(crate) fn event_store(&self) -> &str {
        self.store.connection_string()
    }

    pub(crate) async fn stop(self) {
        self.service.stop().await;
    }

    /// Another process in its place, that knows only what is stored.
    pub(crate) async fn restart(self, tables: &Tables) -> Self {
        self.service.stop().await;
        Self::start_with(tables, self.store).await
    }

    /// The ids on a page of flights, and its cursor.
    pub(crate) async fn flights_on_page(&self, query: &str) -> (Vec<String>, Option<String>) {
        let (items, next) = self.page(&format!("/api/flights?{query}")).await;
        (texts(&items, "id"), next)
    }

    /// The ids on all pages of flights.
    pub(crate) async fn flights(&self, query: &str) -> Vec<String> {
        self.texts(&format!("/api/flights?{query}"), "id").await
    }

    /// The one fault of a query of flights: the parameter and what to change.
    pub(crate) async fn fault(&self, query: &str) -> (String, String) {
        self.get(&format!("/api/flights?{query}")).send().await.fault()
    }
}

/// A flight API that knows other services by these tokens.
pub(crate) async fn serve(tables: &Tables, event_store: &str, tokens: &str) -> TestService {
    let urls = (SecretUrl::new(tables.0.url()), SecretUrl::new(event_store));
    let tokens = tokens.parse().unwrap();
    TestService::start(|listener, shutdown| async move {
        // Queries of flights do not ask it.
        let passenger_api = ServiceUrl::at(listener.local_addr().unwrap()).unwrap();
        let apis = [("passenger", passenger_api.into())].into();
        let config = shared_api::Config::new(urls.0, urls.1, apis, tokens);
        shared_api::run::<FlightApi>(config, listener, shutdown).await.unwrap();
    })
    .await
}

impl Deref for TestApi {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.client
    }
}
