//! Parked events, as an operator sees them over HTTP.

use std::net::Ipv4Addr;
use std::time::Duration;

use eventstore::{AppendToStreamOptions, Client, EventData};
use flight_processor::FlightProcessor;
use jetbridge_testing::{TestDatabase, TestEventStore, eventually};
use serde_json::{Value, json};
use shared_processor::Config;
use shared_service::settings::SecretUrl;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const LIMIT: Duration = Duration::from_secs(20);

struct Processor {
    url: String,
    http: reqwest::Client,
    _shutdown: DropGuard,
}

impl Processor {
    async fn start(store: &TestEventStore, database: &TestDatabase) -> Self {
        let config = Config {
            database_url: SecretUrl::new(database.url()),
            event_store: SecretUrl::new(store.connection_string()),
            // Nobody is there.
            apis: [("passenger", "http://127.0.0.1:1".parse().unwrap())].into(),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        tokio::spawn(shared_processor::run::<FlightProcessor>(config, listener, shutdown.clone()));
        Self { url, http: reqwest::Client::new(), _shutdown: shutdown.drop_guard() }
    }

    async fn parked(&self) -> Value {
        self.http.get(format!("{}/parked", self.url)).send().await.unwrap().json().await.unwrap()
    }

    async fn replay(&self) -> (u16, Value) {
        let response = self.http.post(format!("{}/parked/replay", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn health(&self) -> String {
        self.http.get(format!("{}/health/ready", self.url)).send().await.unwrap().text().await.unwrap()
    }
}

/// Events of a known type that cannot be read, each about something of its own.
async fn append_unreadable(store: &TestEventStore, count: usize) {
    let client = Client::new(store.connection_string().parse().unwrap()).unwrap();
    let events = (0..count).map(|_| EventData::binary("FlightCreated", "{".into()));
    client
        .append_to_stream("flight-stream", &AppendToStreamOptions::default(), events.collect::<Vec<_>>())
        .await
        .unwrap();
}

async fn parks(processor: &Processor, total: usize) {
    eventually("the events are parked by both readers", LIMIT, async || {
        let parked = processor.parked().await;
        if parked["total"] == json!(total) { Ok(()) } else { Err(parked["total"].to_string()) }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_is_listed_and_a_replay_says_what_became_of_it() {
    let (store, database) = (TestEventStore::start().await, TestDatabase::create().await);
    append_unreadable(&store, 2).await;
    let leader = Processor::start(&store, &database).await;
    parks(&leader, 4).await;
    let parked = leader.parked().await;
    assert_eq!((parked["items"].as_array().unwrap().len(), &parked["next"]), (4, &Value::Null));
    assert_eq!(parked["items"][0]["eventType"], "FlightCreated");

    let outcome = |reader| json!({ "reader": reader, "replayed": 0, "stillParked": 2, "beyondLimit": 0 });
    let replayed = leader.replay().await;
    assert_eq!(replayed, (200, json!([outcome("flight-projection"), outcome("flight-reactions")])));

    let other = Processor::start(&store, &database).await;
    eventually("the other instance stands by", LIMIT, async || other.health().await.contains("standing by")).await;
    let (status, problem) = other.replay().await;
    assert_eq!((status, &problem["type"]), (503, &json!("/problems/unavailable")));
    let detail = problem["detail"].as_str().unwrap();
    for reader in ["flight-projection", "flight-reactions"] {
        assert!(detail.contains(&format!("{reader}: it does not lead")), "{detail}");
    }
}

/// Two thousand reads in turn, which the strict event store, with its late acknowledgements, makes slow.
#[tokio::test]
async fn more_than_one_replay_takes_are_said_to_be_beyond_it() {
    let (store, database) = (TestEventStore::start_ordinary().await, TestDatabase::create().await);
    append_unreadable(&store, 1_003).await;
    let leader = Processor::start(&store, &database).await;
    parks(&leader, 2 * 1_003).await;
    assert_eq!(leader.parked().await["items"].as_array().unwrap().len(), 1_000);
    let (status, answers) = leader.replay().await;
    assert_eq!(status, 200);
    for answer in answers.as_array().unwrap() {
        assert_eq!((&answer["stillParked"], &answer["beyondLimit"]), (&json!(1_000), &json!(3)), "{answer}");
    }
}
