//! What a command is recorded with, so that it is known when it comes again.

use eventstore::{AppendToStreamOptions, Client, EventData, ReadStreamOptions};
use jetbridge_testing::{Answer, SERVICE_TOKEN, TestEventStore, TestService, flight_details};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::support::{Tables, serve};

const OTHER_TOKEN: &str = "other-token-0123456789abcdef0123456789abcdef";

/// Flight APIs on one event store.
struct Services {
    tables: Tables,
    store: TestEventStore,
}

impl Services {
    async fn create() -> Self {
        Self { tables: Tables::create().await, store: TestEventStore::start().await }
    }

    /// A replica, with these tokens, that knows only what is stored.
    async fn replica(&self, tokens: &[&str]) -> TestService {
        serve(&self.tables, self.store.connection_string(), &tokens.join("\n")).await
    }

    fn client(&self) -> Client {
        Client::new(self.store.connection_string().parse().unwrap()).unwrap()
    }

    /// The metadata of all events of flights.
    async fn recorded(&self) -> Vec<Value> {
        let options = ReadStreamOptions::default();
        let mut events = self.client().read_stream(flight_contract::STREAM.name, &options).await.unwrap();
        let mut recorded = Vec::new();
        while let Some(event) = events.next().await.unwrap() {
            recorded.push(serde_json::from_slice(&event.get_original_event().custom_metadata).unwrap());
        }
        recorded
    }
}

async fn create(replica: &TestService, key: &str) -> Answer {
    replica.inner_api().create_flight().key(key).send_once_available().await
}

#[track_caller]
fn assert_same(first: &Answer, again: &Answer) {
    assert_eq!((again.status, &again.text), (StatusCode::CREATED, &first.text), "{again:?}");
}

#[tokio::test]
async fn a_repeated_command_is_known_at_each_replica_and_while_tokens_are_replaced() {
    let services = Services::create().await;
    let one = services.replica(&[SERVICE_TOKEN]).await;
    let first = create(&one, "before").await;
    one.stop().await;
    // As in each step of a replacement, by processes that were not there before.
    let between = services.replica(&[OTHER_TOKEN, SERVICE_TOKEN]).await;
    let second = create(&between, "between").await;
    for tokens in [&[SERVICE_TOKEN, OTHER_TOKEN][..], &[OTHER_TOKEN, SERVICE_TOKEN]] {
        let replica = services.replica(tokens).await;
        assert_same(&first, &create(&replica, "before").await);
        assert_same(&second, &create(&replica, "between").await);
        let mut details = flight_details();
        details["destination"] = json!("Elsewhere");
        let other = replica.inner_api().post("/api/flights").json(&details).key("before").send().await;
        other.expect_problem(422, "idempotency-key-reused");
    }
    let one = services.replica(&[SERVICE_TOKEN]).await;
    assert_same(&first, &create(&one, "before").await);
    // By a token that is not there any more it cannot be told from another one, and is not carried out twice.
    create(&one, "between").await.expect_problem(422, "idempotency-key-reused");

    let recorded = services.recorded().await;
    assert_eq!(recorded.len(), 2, "{recorded:?}");
    let fingerprints: Vec<_> = recorded.iter().map(|event| event["requestFingerprint"].as_str().unwrap()).collect();
    assert!(fingerprints.iter().all(|fingerprint| fingerprint.starts_with("hmac-sha256:")), "{fingerprints:?}");
    assert_ne!(fingerprints[0], fingerprints[1]);
}

#[tokio::test]
async fn what_the_release_before_has_recorded_is_known() {
    let services = Services::create().await;
    let content = r#"{"destination":"Oslo","flightNumber":"JB 101","origin":"HAM"}"#;
    let digest = Sha256::digest(format!("POST\0/api/flights\0{content}"));
    let fingerprint: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let flight = Uuid::now_v7();
    let mut data = flight_details();
    data["flightId"] = json!(flight);
    let metadata = json!({
        "schemaVersion": 1, "commandId": Uuid::now_v7(), "idempotencyKey": "k", "requestFingerprint": fingerprint,
    });
    let event = EventData::json("FlightCreated", &data).unwrap().metadata_as_json(&metadata).unwrap();
    let options = AppendToStreamOptions::default();
    services.client().append_to_stream(flight_contract::STREAM.name, &options, event).await.unwrap();
    let replica = services.replica(&[SERVICE_TOKEN]).await;
    let again = create(&replica, "k").await.expect(StatusCode::CREATED);
    assert_eq!(again.id(), flight.to_string());
    assert_eq!(services.recorded().await.len(), 1);
}
