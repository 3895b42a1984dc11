//! A running passenger API, and passengers and manifests that its projection has written.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::time::Duration;

use eventstore::EventData;
use flight_contract::{Admission, FlightId};
use jetbridge_testing::{Api, SERVICE_TOKEN, TestDatabase, TestEventStore, TestService};
use jsonrpsee::RpcModule;
use jsonrpsee::core::RpcResult;
use jsonrpsee::server::{Server, ServerHandle};
use passenger_api::PassengerApi;
use passenger_contract::{FlightEnding, PassengerId};
use passenger_core::{
    ManifestClosed, ManifestSealed, OffloadReason, PassengerArrived, PassengerBoarded, PassengerCheckedIn,
    PassengerEvent, PassengerName, PassengerOffloaded, PassengerStatus,
};
use passenger_infrastructure::PassengerProjection;
use passenger_processor::PassengerProcessor;
use shared_infrastructure::ledger::FORGET_AFTER;
use shared_infrastructure::reader::Numbered;
use shared_infrastructure::testing;
use shared_kernel::DomainEvent;
use shared_service::settings::{SecretUrl, ServiceUrl};
use uuid::Uuid;

pub(crate) fn new_flight() -> FlightId {
    FlightId::new(Uuid::now_v7())
}

/// A database with the tables of passengers.
pub(crate) struct Tables(pub(crate) TestDatabase);

impl Tables {
    pub(crate) async fn create() -> Self {
        let migrations = passenger_infrastructure::migrations();
        Self(TestDatabase::create_with(async |url| testing::migrate(&url, &migrations).await).await)
    }

    /// Adds passengers with these statuses to a flight, and gives their ids in the order in which they were added.
    /// Their names are that of their flight and a number.
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
        testing::project(&self.0.url(), &PassengerProjection, events).await;
    }

    /// Projects these events as one batch.
    pub(crate) async fn project_batch(&self, events: &[Numbered<PassengerEvent>]) {
        testing::project_batch(&self.0.url(), &PassengerProjection, events).await;
    }
}

/// A flight API that knows no flights, until the handle is dropped.
pub(crate) async fn flights_are_deleted() -> (SocketAddr, ServerHandle) {
    let mut module = RpcModule::new(());
    module.register_method("flight.admissions", |_, (), _| RpcResult::Ok([Admission::UnknownFlight])).unwrap();
    let server = Server::builder().build((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    (server.local_addr().unwrap(), server.start(module))
}

/// Runs the processor, until it is dropped.
pub(crate) async fn process(tables: &Tables, store: &TestEventStore) -> TestService {
    let urls = (SecretUrl::new(tables.0.url()), SecretUrl::new(store.connection_string()));
    TestService::start(|listener, shutdown| async move {
        // Nothing here has to be passed on to it.
        let apis = [("flight", ServiceUrl::at(listener.local_addr().unwrap()).unwrap().into())].into();
        let config = shared_processor::Config::new(urls.0, urls.1, apis, SERVICE_TOKEN.parse().unwrap());
        shared_processor::run::<PassengerProcessor>(config, listener, shutdown).await.unwrap();
    })
    .await
}

fn stream(store: &TestEventStore) -> (eventstore::Client, &'static str) {
    (eventstore::Client::new(store.connection_string().parse().unwrap()).unwrap(), passenger_contract::STREAM.name)
}

/// Appends events as the API does.
pub(crate) async fn append(store: &TestEventStore, events: &[PassengerEvent]) {
    let (client, stream) = stream(store);
    let stored = events.iter().map(|event| {
        let data: serde_json::Value = serde_json::from_slice(&event.encode().unwrap()).unwrap();
        let metadata = serde_json::json!({"schemaVersion": event.schema_version()});
        EventData::json(event.event_type(), &data).unwrap().metadata_as_json(&metadata).unwrap()
    });
    client.append_to_stream(stream, &Default::default(), stored.collect::<Vec<_>>()).await.unwrap();
}

/// Everything in the stream.
pub(crate) async fn stored(store: &TestEventStore) -> Vec<PassengerEvent> {
    let (client, stream) = stream(store);
    let mut reading = client.read_stream(stream, &Default::default()).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = reading.next().await.unwrap() {
        let event = event.event.unwrap();
        events.push(PassengerEvent::decode(&event.event_type, 1, &event.data).unwrap());
    }
    events
}

/// The passenger API, listening.
pub(crate) struct TestApi {
    service: TestService,
    client: Api,
    _store: Option<TestEventStore>,
}

impl TestApi {
    pub(crate) async fn start(tables: &Tables) -> Self {
        let store = TestEventStore::start().await;
        let api = Self::start_on(tables, store.connection_string(), FORGET_AFTER, None).await;
        Self { _store: Some(store), ..api }
    }

    /// One on an event store that is there, which forgets what has ended after this time.
    pub(crate) async fn start_on(
        tables: &Tables,
        event_store: &str,
        forget_after: Duration,
        flight_api: Option<SocketAddr>,
    ) -> Self {
        let urls = (SecretUrl::new(tables.0.url()), SecretUrl::new(event_store));
        let service = TestService::start(|listener, shutdown| async move {
            // Where nothing asks it, it is not there.
            let flight_api = ServiceUrl::at(flight_api.unwrap_or(listener.local_addr().unwrap())).unwrap();
            let config = shared_api::Config::new(
                urls.0,
                urls.1,
                [("flight", flight_api.into())].into(),
                SERVICE_TOKEN.parse().unwrap(),
            );
            let config = shared_api::Config { forget_after, ..config };
            shared_api::run::<PassengerApi>(config, listener, shutdown).await.unwrap();
        })
        .await;
        Self { client: service.inner_api(), service, _store: None }
    }

    pub(crate) async fn stop(self) {
        self.service.stop().await;
    }

    /// The one fault of a query: the parameter and what to change.
    pub(crate) async fn fault(&self, path: &str) -> (String, String) {
        self.get(path).send().await.fault()
    }
}

impl Deref for TestApi {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.client
    }
}
