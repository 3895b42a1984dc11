//! A running audit log API, and what a client of it does.

mod sse;

use std::time::Duration;

use auditlog_api::Config;
use eventstore::{AppendToStreamOptions, Client, EventData, ExpectedRevision};
use jetbridge_testing::{SERVICE_TOKEN, TestEventStore, TestService, http};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use shared_service::ServerSettings;
use shared_service::settings::SecretUrl;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub(crate) use sse::{Message, Sse};

/// How long anything may take that happens soon.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) const FLIGHTS: &str = "flight-stream";
pub(crate) const PASSENGERS: &str = "passenger-stream";

/// The audit log API, listening.
pub(crate) struct TestApi {
    http: reqwest::Client,
    pub(crate) service: TestService,
}

impl TestApi {
    pub(crate) async fn start(store: &TestEventStore) -> Self {
        Self::start_with(store.connection_string(), Config::DEFAULT_MAX_FOLLOWERS).await
    }

    pub(crate) async fn start_with(event_store: &str, max_followers: usize) -> Self {
        let event_store = SecretUrl::new(event_store);
        let server = ServerSettings::default();
        let config = Config {
            domains: domains::ALL,
            event_store,
            event_store_in_process: None,
            max_followers,
            tokens: SERVICE_TOKEN.parse().unwrap(),
            server,
        };
        let service = TestService::start(|listener, shutdown| async move {
            auditlog_api::run(config, listener, shutdown).await.unwrap();
        })
        .await;
        Self { http: http(), service }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.service.url(path)).bearer_auth(SERVICE_TOKEN).header("Jetbridge-Roles", "admin")
    }

    /// A page of a list: `flights`, `passengers` or `all`, with a query.
    pub(crate) async fn page(&self, list: &str) -> Page {
        Page::of(self.get(&format!("/api/auditlog/{list}")).send().await.unwrap()).await
    }

    /// The page after a cursor.
    pub(crate) async fn page_after(&self, list: &str, cursor: &str) -> Page {
        self.page(&format!("{list}?after={cursor}")).await
    }

    /// A list from its beginning to its end, in pages of this size.
    pub(crate) async fn whole(&self, list: &str, limit: usize) -> Vec<Value> {
        let mut page = self.page(&format!("{list}?limit={limit}")).await;
        let mut items = Vec::new();
        while !page.items.is_empty() {
            assert!(page.items.len() <= limit);
            items.append(&mut page.items);
            page = self.page(&format!("{list}?limit={limit}&after={}", page.next)).await;
        }
        items
    }

    /// Follows the log with these headers and this query.
    pub(crate) async fn follow(&self, query: &str, last_event_id: Option<&str>) -> Sse {
        Sse::of(self.request_to_follow(query, last_event_id).send().await.unwrap())
    }

    /// Follows the log with these headers and this query, if it can.
    pub(crate) async fn try_to_follow(&self, query: &str, last_event_id: Option<&str>) -> Option<Sse> {
        let feed = self.follow(query, last_event_id).await;
        feed.position.is_some().then_some(feed)
    }

    pub(crate) fn request_to_follow(&self, query: &str, last_event_id: Option<&str>) -> RequestBuilder {
        let request = self.get(&format!("/api/auditlog/events{query}"));
        last_event_id.into_iter().fold(request, |request, id| request.header("Last-Event-ID", id))
    }
}

/// An event store, the API of it, and another writer.
pub(crate) async fn world() -> (TestEventStore, TestApi, Appender) {
    let store = TestEventStore::start().await;
    let (api, appender) = (TestApi::start(&store).await, Appender::new(&store));
    (store, api, appender)
}

/// An event store with this many events of passengers, and the API of it.
pub(crate) async fn with_passengers(count: usize) -> (TestEventStore, TestApi) {
    let (store, api, appender) = world().await;
    appender.append_some(PASSENGERS, count).await;
    (store, api)
}

/// Appends this many small events to each stream of the two, while the test goes on.
pub(crate) fn append_to_both(store: &TestEventStore, count: usize) -> [JoinHandle<()>; 2] {
    [FLIGHTS, PASSENGERS].map(|stream| {
        let appender = Appender::new(store);
        tokio::spawn(async move { appender.append_some(stream, count).await })
    })
}

/// One answer of a list.
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    pub(crate) next: String,
    pub(crate) position: String,
}

impl Page {
    pub(crate) async fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        let position = response.headers()["jetbridge-position"].to_str().unwrap().to_owned();
        let mut body: Value = response.json().await.unwrap();
        let Value::Array(items) = body["items"].take() else { panic!("items is a list") };
        let next = body["next"].as_str().expect("next is never null").to_owned();
        Self { items, next, position }
    }
}

/// Checks that a response is a problem with this status and type, and gives it.
pub(crate) async fn problem(response: Response, status: u16, slug: &str) -> Value {
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["type"], format!("/problems/{slug}"));
    body
}

/// `stream/number` of each entry.
pub(crate) fn names(items: &[Value]) -> Vec<String> {
    items.iter().map(name).collect()
}

pub(crate) fn name(item: &Value) -> String {
    format!("{}/{}", item["stream"].as_str().unwrap(), item["eventNumber"])
}

/// Appends to the event store directly.
pub(crate) struct Appender(Client);

impl Appender {
    pub(crate) fn new(store: &TestEventStore) -> Self {
        let address = format!("{}&discoveryInterval=20", store.connection_string());
        Self(Client::new(address.parse().unwrap()).unwrap())
    }

    pub(crate) async fn append(&self, stream: &str, events: Vec<EventData>) {
        self.try_append(stream, events).await.unwrap();
    }

    pub(crate) async fn try_append(&self, stream: &str, events: Vec<EventData>) -> eventstore::Result<()> {
        let options = AppendToStreamOptions::default().expected_revision(ExpectedRevision::Any);
        self.0.append_to_stream(stream, &options, events).await.map(drop)
    }

    /// Appends this many small events, one by one.
    pub(crate) async fn append_some(&self, stream: &str, count: usize) {
        for number in 0..count {
            self.append(stream, vec![event(&json!({ "number": number }))]).await;
        }
    }
}

pub(crate) fn event(data: &Value) -> EventData {
    EventData::json("Happened", data).unwrap().id(Uuid::new_v4())
}
