//! Parked events, as an operator sees them over HTTP.

use jetbridge_testing::{Api, TestDatabase, TestEventStore, eventually};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{LIMIT, append_unreadable, start};

/// What is parked, once the processor has made its tables.
async fn parked(processor: &Api) -> Value {
    processor.get("/parked").send_once_available().await.expect(StatusCode::OK).body
}

async fn parks(processor: &Api, total: usize) {
    eventually("the events are parked by both readers", LIMIT, async || {
        let parked = parked(processor).await;
        if parked["total"] == json!(total) { Ok(()) } else { Err(parked["total"].to_string()) }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_is_listed_and_a_replay_says_what_became_of_it() {
    let (store, database) = (TestEventStore::start().await, TestDatabase::create().await);
    append_unreadable(&store, 2).await;
    let (_leading, leader) = start(&store, &database).await;
    parks(&leader, 4).await;
    let parked = parked(&leader).await;
    assert_eq!((parked["items"].as_array().unwrap().len(), &parked["next"]), (4, &Value::Null));
    assert_eq!(parked["items"][0]["eventType"], "FlightCreated");

    let outcome = |reader| json!({ "reader": reader, "replayed": 0, "stillParked": 2, "beyondLimit": 0 });
    let replayed = leader.post("/parked/replay").send().await.expect(StatusCode::OK);
    assert_eq!(replayed.body, json!([outcome("flight-projection"), outcome("flight-reactions")]));

    let (_standing_by, other) = start(&store, &database).await;
    let stands_by = async || other.get("/health/ready").send().await.text.contains("standing by");
    eventually("the other instance stands by", LIMIT, stands_by).await;
    let refused = other.post("/parked/replay").send().await.expect_problem(503, "unavailable");
    let detail = refused.body["detail"].as_str().unwrap();
    for reader in ["flight-projection", "flight-reactions"] {
        assert!(detail.contains(&format!("{reader}: it does not lead")), "{detail}");
    }
}

/// Two thousand reads in turn, which the strict event store, with its late acknowledgements, makes slow.
#[tokio::test]
async fn more_than_one_replay_takes_are_said_to_be_beyond_it() {
    let (store, database) = (TestEventStore::start_ordinary().await, TestDatabase::create().await);
    append_unreadable(&store, 1_003).await;
    let (_leading, leader) = start(&store, &database).await;
    parks(&leader, 2 * 1_003).await;
    assert_eq!(parked(&leader).await["items"].as_array().unwrap().len(), 1_000);
    let replayed = leader.post("/parked/replay").send().await.expect(StatusCode::OK);
    for answer in replayed.body.as_array().unwrap() {
        assert_eq!((&answer["stillParked"], &answer["beyondLimit"]), (&json!(1_000), &json!(3)), "{answer}");
    }
}
