//! What the health of a processor says.

use eventstore::{AppendToStreamOptions, Client, EventData};
use jetbridge_testing::{Api, TestDatabase, TestEventStore, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{LIMIT, append_unreadable, start};

/// The status of a check, and what it says.
async fn check(processor: &Api, name: &str) -> (String, String) {
    let health = processor.get("/health/ready").send().await;
    let checks = health.body["checks"].as_array().cloned().unwrap_or_default();
    let check = checks.into_iter().find(|check| check["name"] == name).unwrap_or(Value::Null);
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("detail"))
}

async fn comes_to(processor: &Api, name: &str, status: &str, words: &str) {
    eventually(words, LIMIT, async || {
        let (is, says) = check(processor, name).await;
        if is == status && says.contains(words) { Ok(()) } else { Err(format!("{is}: {says}")) }
    })
    .await;
}

async fn append(store: &TestEventStore, event_type: &str, data: &Value) {
    let client = Client::new(store.connection_string().parse().unwrap()).unwrap();
    let event = EventData::json(event_type, data).unwrap().metadata_as_json(&json!({ "schemaVersion": 1 })).unwrap();
    client.append_to_stream("flight-stream", &AppendToStreamOptions::default(), event).await.unwrap();
}

#[tokio::test]
async fn a_processor_with_nothing_to_do_is_up_to_date_whether_it_works_or_stands_by() {
    let (store, database) = (TestEventStore::start().await, TestDatabase::create().await);
    // It calls for no reaction.
    append(&store, "FlightDisembarked", &json!({ "flightId": Uuid::now_v7() })).await;
    let (_leading, leader) = start(&store, &database).await;
    for reader in ["flight-projection", "flight-reactions"] {
        comes_to(&leader, reader, "up", "up to date").await;
    }
    let (_standing_by, other) = start(&store, &database).await;
    for reader in ["flight-projection", "flight-reactions"] {
        comes_to(&other, reader, "up", "standing by: another instance works; up to date").await;
    }
}

#[tokio::test]
async fn parked_events_degrade_a_processor() {
    let (store, database) = (TestEventStore::start().await, TestDatabase::create().await);
    append_unreadable(&store, 2).await;
    let (_leading, leader) = start(&store, &database).await;
    comes_to(&leader, "flight-projection", "degraded", "up to date; 2 events parked").await;
    let health = leader.get("/health/ready").send().await;
    assert_eq!((health.status.as_u16(), &health.body["status"]), (200, &json!("degraded")));
    let (_standing_by, other) = start(&store, &database).await;
    comes_to(&other, "flight-projection", "degraded", "standing by: another instance works; up to date; 2 events")
        .await;
}

/// The passenger API is not there.
#[tokio::test]
async fn an_event_that_is_tried_again_and_again_degrades_a_processor_by_name() {
    let (store, database) = (TestEventStore::start().await, TestDatabase::create().await);
    let flight = Uuid::now_v7();
    append(&store, "FlightDeleted", &json!({ "flightId": flight })).await;
    let (_leading, leader) = start(&store, &database).await;
    let words = format!("retrying event 0 (FlightDeleted) about {flight} for ");
    comes_to(&leader, "flight-reactions", "degraded", &words).await;
    comes_to(&leader, "flight-projection", "up", "up to date").await;
}

#[tokio::test]
async fn a_checkpoint_that_does_not_move_degrades_a_processor() {
    let (store, database) = (TestEventStore::start().await, TestDatabase::create().await);
    let (_leading, leader) = start(&store, &database).await;
    comes_to(&leader, "flight-projection", "up", "up to date").await;
    let client = database.client().await;
    client.batch_execute("BEGIN; LOCK TABLE flights IN ACCESS EXCLUSIVE MODE").await.unwrap();
    append(&store, "FlightDisembarked", &json!({ "flightId": Uuid::now_v7() })).await;
    comes_to(&leader, "flight-projection", "degraded", "1 event behind; its checkpoint has not moved for").await;
    client.batch_execute("ROLLBACK").await.unwrap();
    comes_to(&leader, "flight-projection", "up", "up to date").await;
}
