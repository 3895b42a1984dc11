//! A running flight API, and flights that its projection has written.

use flight_contract::FlightId;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use eventstore::{AppendToStreamOptions, EventData};
use flight_api::FlightApi;
use flight_core::{
    FlightAllBoarded, FlightCreated, FlightDetails, FlightDisembarked, FlightEvent, FlightLanded, FlightNumber,
    FlightStatus, PlaceName,
};
use flight_infrastructure::FlightProjection;
use flight_processor::FlightProcessor;
use jetbridge_testing::{TestDatabase, TestEventStore, eventually};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use shared_infrastructure::postgres::Database;
use shared_infrastructure::reader::{Numbered, Projection};
use shared_kernel::Revision;
use shared_service::settings::{SecretUrl, ServiceUrl};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// How long anything may take that happens soon.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A database with the tables of flights.
pub(crate) struct Tables(pub(crate) TestDatabase);

impl Tables {
    pub(crate) async fn create() -> Self {
        let database = TestDatabase::create().await;
        Database::new(&database.url()).unwrap().migrate(&flight_infrastructure::migrations()).await.unwrap();
        Self(database)
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
            match status {
                FlightStatus::WaitingForBoarding => {}
                FlightStatus::AllBoarded => {
                    events
                        .push(FlightEvent::AllBoarded(FlightAllBoarded { flight_id, manifest_revision: Revision(0) }));
                }
                FlightStatus::Departed => events.push(FlightEvent::Departed(FlightDisembarked { flight_id })),
                FlightStatus::Arrived => events.push(FlightEvent::Landed(FlightLanded { flight_id })),
            }
        }
        let numbered: Vec<_> =
            events.into_iter().zip(0..).map(|(event, number)| Numbered { event, revision: Revision(number) }).collect();
        self.project(&numbered).await;
        ids
    }

    /// Projects these events as one batch.
    pub(crate) async fn project(&self, events: &[Numbered<FlightEvent>]) {
        let mut client = Database::new(&self.0.url()).unwrap().client().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        FlightProjection.project(&transaction, events).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// Every row of the table, with all that is in it.
    pub(crate) async fn rows(&self) -> Vec<Value> {
        let rows = self.0.client().await.query("SELECT to_jsonb(flights)::text FROM flights ORDER BY id", &[]).await;
        rows.unwrap().iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }

    /// How many rows of the table were looked at so far, by connections that have ended: waits for all to end.
    pub(crate) async fn rows_looked_at(&self) -> i64 {
        let observer = self.0.client().await;
        eventually("all connections have ended", LIMIT, async || {
            let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
            let row = observer.query_one(others, &[&self.0.name()]).await.unwrap();
            row.get::<_, i64>(0) == 0
        })
        .await;
        let read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'flights'";
        observer.query_one(read, &[]).await.unwrap().get(0)
    }
}

/// The flight API, listening.
pub(crate) struct TestApi {
    address: SocketAddr,
    http: reqwest::Client,
    running: JoinHandle<()>,
    shutdown: CancellationToken,
    store: TestEventStore,
}

impl TestApi {
    pub(crate) async fn start(tables: &Tables) -> Self {
        Self::start_with(tables, TestEventStore::start().await).await
    }

    async fn start_with(tables: &Tables, store: TestEventStore) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = shared_api::Config {
            database_url: SecretUrl::new(tables.0.url()),
            event_store: SecretUrl::new(store.connection_string()),
            append_bytes: 0,
            // Queries of flights do not ask it.
            apis: [("passenger", ServiceUrl::at(address).unwrap())].into(),
        };
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let running = tokio::spawn(async move { shared_api::run::<FlightApi>(config, listener, stop).await.unwrap() });
        Self { address, http: reqwest::Client::new(), running, shutdown, store }
    }

    /// Runs the processor as well, until it is dropped.
    pub(crate) async fn project(&self, tables: &Tables) -> DropGuard {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let config = shared_processor::Config {
            database_url: SecretUrl::new(tables.0.url()),
            event_store: SecretUrl::new(self.store.connection_string()),
            // Nothing that these tests do has to be passed on to it.
            apis: [("passenger", ServiceUrl::at(self.address).unwrap())].into(),
        };
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(async move { shared_processor::run::<FlightProcessor>(config, listener, stop).await.unwrap() });
        shutdown.drop_guard()
    }

    /// Appends an event as earlier versions of the software did.
    pub(crate) async fn append_version_1(&self, event_type: &str, data: &Value) {
        let client = eventstore::Client::new(self.store.connection_string().parse().unwrap()).unwrap();
        let event = EventData::json(event_type, data).unwrap().metadata_as_json(&json!({"schemaVersion": 1})).unwrap();
        client.append_to_stream(flight_contract::STREAM.name, &AppendToStreamOptions::default(), event).await.unwrap();
    }

    pub(crate) async fn stop(self) {
        self.end().await;
    }

    /// Another process in its place, that knows only what is stored.
    pub(crate) async fn restart(self, tables: &Tables) -> Self {
        let store = self.end().await;
        Self::start_with(tables, store).await
    }

    async fn end(self) -> TestEventStore {
        self.shutdown.cancel();
        self.running.await.unwrap();
        self.store
    }

    /// A request for this path.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let response = self.request(Method::GET, path).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// The ids on a page of flights, and its cursor.
    pub(crate) async fn page(&self, query: &str) -> (Vec<String>, Option<String>) {
        let (status, body) = self.get(&format!("/api/flights?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let ids = body["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
        (ids.collect(), body["next"].as_str().map(str::to_owned))
    }

    /// The ids on all pages.
    pub(crate) async fn whole(&self, query: &str) -> Vec<String> {
        let (mut ids, mut next) = self.page(query).await;
        while let Some(cursor) = next {
            let (more, after) = self.page(&format!("{query}&after={cursor}")).await;
            assert!(!more.is_empty(), "a cursor leads to something");
            ids.extend(more);
            next = after;
        }
        ids
    }

    /// The one fault of a query: the parameter and what to change.
    pub(crate) async fn fault(&self, query: &str) -> (String, String) {
        let (status, body) = self.get(&format!("/api/flights?{query}")).await;
        assert_eq!((status, &body["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &"/problems/invalid-request".into()));
        let errors = body["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{body}");
        let text = |name: &str| errors[0][name].as_str().unwrap().to_owned();
        (text("parameter"), text("detail"))
    }
}
