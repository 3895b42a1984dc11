//! A running passenger API, and passengers and manifests that its projection has written.

use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jetbridge_testing::{TestDatabase, TestEventStore, eventually};
use passenger_api::PassengerApi;
use passenger_core::{
    ManifestClosed, ManifestSealed, OffloadReason, PassengerArrived, PassengerBoarded, PassengerCheckedIn,
    PassengerEvent, PassengerName, PassengerOffloaded, PassengerStatus,
};
use passenger_infrastructure::PassengerProjection;
use reqwest::StatusCode;
use serde_json::Value;
use shared_infrastructure::postgres::Database;
use shared_infrastructure::reader::{Numbered, Projection};
use shared_kernel::Revision;
use shared_service::settings::{SecretUrl, ServiceUrl};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long anything may take that happens soon.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn new_flight() -> FlightId {
    FlightId::new(Uuid::now_v7())
}

/// A database with the tables of passengers.
pub(crate) struct Tables(pub(crate) TestDatabase);

impl Tables {
    pub(crate) async fn create() -> Self {
        let database = TestDatabase::create().await;
        Database::new(&database.url()).unwrap().migrate(&passenger_infrastructure::migrations()).await.unwrap();
        Self(database)
    }

    /// Adds passengers with these statuses to a flight, and gives their ids in the order in which they were added. Their
    /// names are that of their flight and a number.
    pub(crate) async fn add(&self, flight_id: FlightId, statuses: &[PassengerStatus]) -> Vec<String> {
        let (mut ids, mut events) = (Vec::new(), Vec::new());
        for (number, status) in statuses.iter().enumerate() {
            let passenger_id = PassengerId::new(Uuid::now_v7());
            ids.push(passenger_id.to_string());
            let name = PassengerName::new(&format!("{flight_id} {number}")).unwrap();
            events.push(PassengerEvent::CheckedIn(PassengerCheckedIn { flight_id, passenger_id, name }));
            let next = match status {
                PassengerStatus::CheckedIn => continue,
                PassengerStatus::Boarded => PassengerEvent::Boarded(PassengerBoarded { flight_id, passenger_id }),
                PassengerStatus::Arrived => PassengerEvent::Arrived(PassengerArrived { flight_id, passenger_id }),
                PassengerStatus::Offloaded => {
                    let reason = OffloadReason::new("no-show").unwrap();
                    PassengerEvent::Offloaded(PassengerOffloaded { flight_id, passenger_id, reason })
                }
            };
            events.push(next);
        }
        self.project(events).await;
        ids
    }

    pub(crate) async fn seal(&self, flight_id: FlightId) {
        self.project(vec![PassengerEvent::ManifestSealed(ManifestSealed { flight_id, boarded: 1 })]).await;
    }

    pub(crate) async fn close(&self, flight_id: FlightId, ending: FlightEnding) {
        self.project(vec![PassengerEvent::ManifestClosed(ManifestClosed { flight_id, ending })]).await;
    }

    async fn project(&self, events: Vec<PassengerEvent>) {
        let numbered: Vec<_> =
            events.into_iter().zip(0..).map(|(event, number)| Numbered { event, revision: Revision(number) }).collect();
        self.project_batch(&numbered).await;
    }

    pub(crate) async fn project_batch(&self, events: &[Numbered<PassengerEvent>]) {
        let mut client = Database::new(&self.0.url()).unwrap().client().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        PassengerProjection.project(&transaction, events).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// Every row of a table, with all that is in it.
    pub(crate) async fn rows(&self, table: &str, key: &str) -> Vec<Value> {
        let sql = format!("SELECT to_jsonb({table})::text FROM {table} ORDER BY {key}");
        let rows = self.0.client().await.query(&sql, &[]).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }

    /// How many rows of the passengers were looked at so far, by connections that have ended: waits for all to end.
    pub(crate) async fn rows_looked_at(&self) -> i64 {
        let observer = self.0.client().await;
        eventually("all connections have ended", LIMIT, async || {
            let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
            let row = observer.query_one(others, &[&self.0.name()]).await.unwrap();
            row.get::<_, i64>(0) == 0
        })
        .await;
        let read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'passengers'";
        observer.query_one(read, &[]).await.unwrap().get(0)
    }
}

/// The passenger API, listening.
pub(crate) struct TestApi {
    address: SocketAddr,
    http: reqwest::Client,
    running: JoinHandle<()>,
    shutdown: CancellationToken,
    _store: TestEventStore,
}

impl TestApi {
    pub(crate) async fn start(tables: &Tables) -> Self {
        let store = TestEventStore::start().await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = shared_api::Config {
            database_url: SecretUrl::new(tables.0.url()),
            event_store: SecretUrl::new(store.connection_string()),
            append_bytes: 0,
            // Queries of what is in the tables do not ask it.
            apis: [("flight", ServiceUrl::at(address).unwrap())].into(),
        };
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let running =
            tokio::spawn(async move { shared_api::run::<PassengerApi>(config, listener, stop).await.unwrap() });
        Self { address, http: reqwest::Client::new(), running, shutdown, _store: store }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap();
    }

    /// The answer to a query at a path below `/api/`.
    pub(crate) async fn answer(&self, path: &str) -> (StatusCode, Value) {
        let response = self.http.get(format!("http://{}/api/{path}", self.address)).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// What is found at a path below `/api/`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.answer(path).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    /// The items on all pages of a list, each as one of its fields.
    pub(crate) async fn whole(&self, path: &str, field: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut page = self.get(path).await;
        loop {
            let items = page["items"].as_array().unwrap();
            found.extend(items.iter().map(|item| item[field].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { return found };
            assert!(!items.is_empty(), "a cursor leads to something");
            page = self.get(&format!("{path}&after={next}")).await;
        }
    }

    /// The one fault of a query: the parameter and what to change.
    pub(crate) async fn fault(&self, path: &str) -> (String, String) {
        let (status, body) = self.answer(path).await;
        assert_eq!((status, &body["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &"/problems/invalid-request".into()));
        let errors = body["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{body}");
        let text = |name: &str| errors[0][name].as_str().unwrap().to_owned();
        (text("parameter"), text("detail"))
    }
}

pub(crate) fn reversed(ids: &[String]) -> Vec<String> {
    ids.iter().rev().cloned().collect()
}

pub(crate) fn at(ids: &[String], places: &[usize]) -> Vec<String> {
    places.iter().map(|place| ids[*place].clone()).collect()
}
