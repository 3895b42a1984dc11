//! Refused commands in the audit log, through the whole system: each on its own, where nobody else is refused so much that
//! it is only counted.

use jetbridge_testing::{Api, Call, eventually, flight_details, texts, unique, unknown_id};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::system::{LIMIT, System};

/// What has been refused to an actor, once there is so much of it.
async fn refused_to(api: &Api, actor: &str, count: usize) -> Vec<Value> {
    let path = format!("/api/auditlog/refusals?limit=1000&actor={actor}");
    eventually("refusals are recorded", LIMIT, async || {
        let (items, _) = api.page(&path).await;
        if items.len() == count { Ok(items) } else { Err(format!("{} of {count}: {items:?}", items.len())) }
    })
    .await
}

fn told(entry: &Value) -> (&str, u64, &str) {
    let data = &entry["data"];
    (data["command"].as_str().unwrap(), data["status"].as_u64().unwrap(), data["problem"].as_str().unwrap())
}

#[tokio::test]
async fn what_is_refused_is_recorded_with_its_reason() {
    let system = System::start().await;
    let api = system.api();
    let actor = unique();
    let by = |call: Call| call.header("Jetbridge-Actor", &actor);
    let flight = api.new_flight().await;
    let passenger = api.new_passenger(&flight).await;
    let correlated = by(api.land(&flight)).header("X-Correlation-Id", &actor);
    correlated.send().await.expect_problem(409, "flight-not-departed");
    by(api.disembark(&flight)).send().await.expect_problem(409, "not-all-boarded");
    let stale = by(api.board(&passenger)).if_match("\"123456\"");
    stale.send().await.expect_problem(412, "precondition-failed");
    by(api.add(&unknown_id(), "x")).send().await.expect_problem(404, "flight-not-found");
    by(api.add(&flight, "")).send().await.expect_problem(422, "invalid-request");
    by(api.board("nobody")).send().await.expect_problem(404, "passenger-not-found");
    let entries = refused_to(&api, &actor, 6).await;
    let mut found: Vec<_> = entries.iter().map(told).collect();
    // Each API records its own, so only those of one are in order.
    found.sort_unstable();
    let expected = [
        ("POST /api/flights/{id}/disembark", 409, "not-all-boarded"),
        ("POST /api/flights/{id}/land", 409, "flight-not-departed"),
        ("POST /api/passengers", 404, "flight-not-found"),
        ("POST /api/passengers", 422, "invalid-request"),
        ("POST /api/passengers/{id}/board", 404, "passenger-not-found"),
        ("POST /api/passengers/{id}/board", 412, "precondition-failed"),
    ];
    assert_eq!(found, expected);
    let of = |problem: &str| entries.iter().find(|entry| entry["data"]["problem"] == problem).unwrap();
    let landing = of("flight-not-departed");
    assert_eq!((&landing["data"]["service"], &landing["data"]["flightId"]), (&json!("flight-api"), &json!(flight)));
    assert_eq!(landing["metadata"]["$correlationId"], actor);
    assert_eq!(of("precondition-failed")["data"]["passengerId"], passenger);
    assert_eq!(of("invalid-request")["data"]["flightId"], flight, "what the body names");
    assert_eq!(of("passenger-not-found")["data"]["passengerId"], Value::Null);

    let of_flight = api.page(&format!("/api/auditlog/refusals?flightId={flight}&actor={actor}")).await.0;
    assert_eq!(of_flight.len(), 3);
    let in_log = api.page(&format!("/api/auditlog/all?actor={actor}")).await.0;
    assert!(in_log.is_empty(), "they are in no other list: {in_log:?}");
    let file = api.get(&format!("/api/auditlog/refusals?actor={actor}")).header("Accept", "text/csv").send().await;
    assert_eq!(file.expect(StatusCode::OK).text.lines().count(), 7);
}

#[tokio::test]
async fn what_could_not_be_read_or_did_not_reach_a_domain_is_not_recorded() {
    let system = System::start().await;
    let api = system.api();
    let actor = unique();
    let by = |call: Call| call.header("Jetbridge-Actor", &actor);
    let flight = api.new_flight().await;
    by(api.post("/api/flights").raw_json("{")).send().await.expect_problem(400, "malformed-json");
    by(api.land(&flight)).if_match("x").send().await.expect_problem(400, "malformed-header");
    by(api.post("/api/flights").body("x")).send().await.expect_problem(415, "unsupported-media-type");
    by(api.put("/api/flights")).send().await.expect_problem(405, "method-not-allowed");
    by(api.post("/api/nothing")).send().await.expect_problem(404, "not-found");
    by(api.get(&format!("/api/flights/{}", unknown_id()))).send().await.expect_problem(404, "flight-not-found");
    by(api.create_flight()).send().await.expect(StatusCode::CREATED);
    by(api.land(&flight)).send().await.expect_problem(409, "flight-not-departed");
    // The last one is.
    refused_to(&api, &actor, 1).await;
}

#[tokio::test]
async fn no_name_is_recorded_wherever_it_is_sent() {
    const NAME: &str = "Wilhelmina Featherstonehaugh";
    let system = System::start().await;
    let api = system.api();
    let flight = api.new_flight().await;
    let passenger = api.new_passenger(&flight).await;
    let in_path = NAME.replace(' ', "%20");
    let mut details = flight_details();
    details["origin"] = json!(NAME);
    let with_key = |call: Call| call.key(NAME);
    with_key(api.create_flight().json(&details)).send().await.expect(StatusCode::CREATED);
    let refused = [
        with_key(api.create_flight()),
        api.add(&unknown_id(), NAME),
        api.add(NAME, NAME),
        api.rename(&unknown_id(), NAME),
        api.rename(&passenger, &NAME.repeat(20)),
        api.board(&in_path),
        api.board(&format!("{passenger}?name={in_path}")).if_match("\"99999\""),
        api.post(&format!("/api/passengers/{}/offload", unknown_id())).json(&json!({ "reason": NAME })),
        api.post(&format!("/api/passengers/{passenger}/offload")).json(&json!({ "reason": NAME, NAME: NAME })),
        api.put(&format!("/api/flights/{flight}")).json(&json!({ "flightNumber": NAME, "origin": NAME, NAME: NAME })),
        api.disembark(&flight),
    ];
    let count = refused.len();
    for call in refused {
        let answer = call.send().await;
        assert!(matches!(answer.status.as_u16(), 404 | 409 | 412 | 422), "{answer:?}");
    }
    let entries = refused_to(&api, "anonymous", count).await;
    assert_eq!(texts(&entries, "eventType"), vec!["CommandRefused"; count]);
    let stored = json!(entries).to_string();
    for part in NAME.split(' ') {
        assert!(!stored.contains(part), "{stored}");
    }
}
