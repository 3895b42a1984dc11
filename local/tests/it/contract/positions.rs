//! Jetbridge-Position: who shows what they have seen is never shown anything older.

use std::time::{Duration, Instant};

use jetbridge_testing::{Answer, Api};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::system::System;

/// Several people at once, so that the read model is busy.
const PEOPLE: usize = 4;
const ROUNDS: usize = 10;

async fn read(api: &Api, path: &str, position: &str) -> Value {
    api.get(path).position(position).send().await.expect(StatusCode::OK).body
}

#[tokio::test]
async fn everybody_reads_what_they_wrote() {
    let api = System::shared().await.api();
    let mut people = JoinSet::new();
    for _ in 0..PEOPLE {
        let api = api.another_connection();
        people.spawn(async move {
            for round in 0..ROUNDS {
                read_ones_writes(&api, round).await;
            }
        });
    }
    people.join_all().await;
}

/// A flight from the beginning to the end, with every query directly behind the command.
async fn read_ones_writes(api: &Api, round: usize) {
    let created = api.create_flight().send().await.expect(StatusCode::CREATED);
    let flight = created.id();
    assert_eq!(read(api, &format!("/api/flights/{flight}"), &created.position()).await, created.body);

    let added = api.add(&flight, &format!("Passenger {round}")).send().await.expect(StatusCode::CREATED);
    let passenger = added.id();
    assert_eq!(read(api, &format!("/api/passengers/{passenger}"), &added.position()).await, added.body);
    let list = read(api, &format!("/api/passengers?flightId={flight}"), &added.position()).await;
    assert_eq!(list, json!({"items": [added.body], "next": null}));
    assert_both_show(api, &flight, &added, "waitingForBoarding", "open").await;

    let boarded = api.board(&passenger).send().await.expect(StatusCode::OK);
    assert_both_show(api, &flight, &boarded, "allBoarded", "open").await;
    let departed = api.disembark(&flight).send().await.expect(StatusCode::OK);
    assert_both_show(api, &flight, &departed, "disembarked", "sealed").await;
    let landed = api.land(&flight).send().await.expect(StatusCode::OK);
    assert_both_show(api, &flight, &landed, "arrived", "closed").await;
    let shown = read(api, &format!("/api/passengers/{passenger}"), &landed.position()).await;
    assert_eq!(shown["status"], "arrived");

    let deleted = api.delete_flight(&flight).send().await.expect(StatusCode::NO_CONTENT);
    for path in [format!("/api/flights/{flight}"), format!("/api/passengers/{passenger}")] {
        api.get(&path).position(&deleted.position()).send().await.expect(StatusCode::NOT_FOUND);
    }
}

/// One token covers both domains.
async fn assert_both_show(api: &Api, flight: &str, after: &Answer, status: &str, state: &str) {
    let position = after.position();
    assert_eq!(read(api, &format!("/api/flights/{flight}"), &position).await["status"], status);
    assert_eq!(read(api, &format!("/api/manifests/{flight}"), &position).await["state"], state);
}

/// What a query has answered, a later one with its token does not take back, in the other domain neither.
#[tokio::test]
async fn the_audit_log_covers_a_position_too() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let added = api.add(&flight, "Ada").send().await.expect(StatusCode::CREATED);
    let shown = api.get(&format!("/api/passengers/{}", added.id())).position(&added.position()).send().await;
    let log = format!("/api/auditlog/passengers?flightId={flight}");
    let entries = read(&api, &log, &shown.position()).await;
    assert_eq!(entries["items"][0]["data"]["passengerId"], added.id());
    let end = api.get("/api/auditlog/all").position(&added.position()).send().await.expect(StatusCode::OK);
    read(&api, &format!("/api/flights/{flight}"), &end.position()).await;
}

const QUERIES: [&str; 8] = [
    "/api/flights",
    "/api/passengers",
    "/api/manifests",
    "/api/flights/019a0000-0000-7000-8000-000000000000",
    "/api/passengers/019a0000-0000-7000-8000-000000000000",
    "/api/manifests/019a0000-0000-7000-8000-000000000000",
    // To its end, which is what they are asked about.
    "/api/auditlog/flights?eventType=Nothing",
    "/api/auditlog/passengers?eventType=Nothing",
];

#[tokio::test]
async fn a_position_in_the_future_is_waited_for_and_then_not_yet() {
    let api = System::shared().await.api();
    let mut answers = JoinSet::new();
    for path in QUERIES {
        let call = api.get(path).position("f999999999.p999999999");
        answers.spawn(async move {
            let begin = Instant::now();
            let answer = call.send().await.expect_problem(503, "not-yet");
            let took = begin.elapsed();
            assert!(took < Duration::from_millis(3_500), "{path}: {took:?}");
            // The audit log has nothing to wait for: it is what the others wait for.
            let waits = !path.contains("auditlog");
            assert_eq!(took > Duration::from_millis(1_500), waits, "{path}: {took:?}");
            assert!(answer.header("Retry-After").is_some());
        });
    }
    answers.join_all().await;
}

#[tokio::test]
async fn a_query_waits_for_what_is_on_its_way() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let seen = api.add(&flight, "First").send().await.expect(StatusCode::CREATED).position();
    let number: u64 = seen.trim_start_matches('p').parse().expect("the position of one stream");
    // Soon there is such an event.
    let query = api.get("/api/passengers?limit=1").position(&format!("p{}", number + 1)).send();
    let (answer, _) = tokio::join!(query, api.new_passenger(&flight));
    answer.expect(StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_position_is_refused() {
    let api = System::shared().await.api();
    for path in QUERIES {
        for position in ["", "x", "f", "f1.", "f-1", "1", "f1.f2", "p99999999999999999999999", "f1 p1"] {
            api.get(path).position(position).send().await.expect_problem(400, "malformed-header");
        }
    }
}
