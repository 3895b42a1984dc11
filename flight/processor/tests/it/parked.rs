//! Parked events, as an operator sees them over HTTP.

use jetbridge_testing::{Api, TestDatabase, TestEventStore, TestService, eventually};
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

/// A processor that has parked so many events with both readers, and a client of it.
async fn having_parked(store: TestEventStore, events: usize) -> (TestEventStore, TestDatabase, TestService, Api) {
    let database = TestDatabase::create().await;
    append_unreadable(&store, events).await;
    let (leading, leader) = start(&store, &database).await;
    parks(&leader, 2 * events).await;
    (store, database, leading, leader)
}

#[tokio::test]
async fn what_cannot_be_read_is_listed_and_a_replay_says_what_became_of_it() {
    let (store, database, _leading, leader) = having_parked(TestEventStore::start().await, 2).await;
    let parked = parked(&leader).await;
    assert_eq!((parked["items"].as_array().unwrap().len(), &parked["next"]), (4, &Value::Null));
    assert_eq!(parked["items"][0]["eventType"], "FlightCreated");
    let path = format!("/parked/{}", parked["items"][0]["eventId"].as_str().unwrap());
    let stored = leader.get(&path).send().await.expect(StatusCode::OK).body;
    assert_eq!((&stored["data"], &stored["eventType"]), (&json!("{"), &json!("FlightCreated")));
    let nowhere = leader.get("/parked/50000000-0000-0000-0000-000000000000");
    nowhere.send().await.expect_problem(404, "not-found");

    let outcome = |reader| json!({ "reader": reader, "replayed": 0, "stillParked": 2, "beyondLimit": 0 });
    let replayed = leader.post("/parked/replay").send().await.expect(StatusCode::OK);
    assert_eq!(replayed.body, json!([outcome("flight-projection"), outcome("flight-reactions")]));

    // Whichever instance is asked.
    let (_standing_by, other) = start(&store, &database).await;
    let stands_by = async || other.get("/health/ready").send().await.text.contains("standing by");
    eventually("the other instance stands by", LIMIT, stands_by).await;
    let replayed = other.post("/parked/replay").send().await.expect(StatusCode::OK);
    assert_eq!(replayed.body, json!([outcome("flight-projection"), outcome("flight-reactions")]));
}

#[tokio::test]
async fn what_is_parked_comes_in_pages_and_without_a_limit_up_to_a_thousand() {
    let (_store, _database, _leading, leader) = having_parked(TestEventStore::start_ordinary().await, 503).await;
    let whole = parked(&leader).await;
    assert_eq!(whole["items"].as_array().unwrap().len(), 1_000);
    let next = whole["next"].as_str().unwrap();
    let rest = leader.get(&format!("/parked?after={next}")).send().await.expect(StatusCode::OK).body;
    assert_eq!((&rest["total"], &rest["next"]), (&json!(1_006), &Value::Null));
    let mut all = whole["items"].as_array().unwrap().clone();
    all.extend(rest["items"].as_array().unwrap().clone());

    let (mut walked, mut after) = (Vec::new(), String::new());
    loop {
        let page = leader.get(&format!("/parked?limit=300{after}")).send().await.expect(StatusCode::OK).body;
        walked.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(walked.len(), 1_006);
    assert!(walked == all, "the same in other pages");
    // What was never looked at before does no harm now.
    leader.get("/parked?what=1").send().await.expect(StatusCode::OK);
    for query in ["limit=0", "limit=1001", "after=x"] {
        leader.get(&format!("/parked?{query}")).send().await.expect_problem(422, "invalid-request");
    }
}

#[tokio::test]
async fn what_is_discarded_is_out_of_every_reader_and_listed_with_its_reason() {
    let (_store, _database, _leading, leader) = having_parked(TestEventStore::start().await, 2).await;
    let event = parked(&leader).await["items"][0].clone();
    let id = event["eventId"].as_str().unwrap();
    let discard = |reason: &str| {
        let call = leader.post(&format!("/parked/{id}/discard")).header("jetbridge-actor", "somebody");
        call.json(&json!({ "reason": reason }))
    };
    for reason in ["", "  ", &"x".repeat(501)] {
        discard(reason).send().await.expect_problem(422, "invalid-request");
    }
    leader.post(&format!("/parked/{id}/discard")).send().await.expect_problem(415, "unsupported-media-type");
    parks(&leader, 4).await;

    let discarded = discard("  no JSON at all ").send().await.expect(StatusCode::OK).body;
    let items = discarded["items"].as_array().unwrap();
    for (item, reader) in items.iter().zip(["flight-projection", "flight-reactions"]) {
        assert_eq!((&item["reader"], &item["eventId"]), (&json!(reader), &json!(id)));
        assert_eq!((&item["reason"], &item["discardedBy"]), (&json!("no JSON at all"), &json!("somebody")));
        assert_eq!((&item["parkedBecause"], &item["parkedAt"]), (&event["reason"], &item["parkedAt"]));
    }
    assert_eq!(items.len(), 2);
    parks(&leader, 2).await;
    discard("again").send().await.expect_problem(404, "not-found");
    leader.post("/parked/none/discard").json(&json!({ "reason": "x" })).send().await.expect_problem(404, "not-found");

    let first = leader.get("/parked/discarded?limit=1").send().await.expect(StatusCode::OK).body;
    assert_eq!((&first["items"][0], &first["total"]), (&items[0], &json!(2)));
    let next = first["next"].as_str().unwrap();
    let second = leader.get(&format!("/parked/discarded?after={next}")).send().await.expect(StatusCode::OK).body;
    assert_eq!((&second["items"], &second["next"]), (&json!([items[1]]), &Value::Null));
}
