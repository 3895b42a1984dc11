//! Lists: pages, filters and the audit log's cursors.

use std::slice;

use jetbridge_testing::{Api, flight_details, unique};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::history::History;
use crate::system::System;

fn ids(items: &[Value], field: &str) -> Vec<String> {
    items.iter().map(|item| item[field].as_str().expect("an id").to_owned()).collect()
}

/// Flights that no other test's filter finds, and the position that shows them.
async fn flights_to(api: &Api, destination: &str, count: usize) -> (Vec<String>, String) {
    let mut details = flight_details();
    details["destination"] = json!(destination);
    let mut created = Vec::new();
    let mut position = String::new();
    for _ in 0..count {
        let answer = api.post("/api/flights").json(&details).send().await.expect(StatusCode::CREATED);
        created.push(answer.id());
        position = answer.position();
    }
    (created, position)
}

#[tokio::test]
async fn pages_walk_everything_once_in_the_order_of_creation() {
    let api = System::shared().await.api();
    let place = unique();
    let (flights, position) = flights_to(&api, &place, 25).await;
    for limit in [1, 7, 24, 25, 26, 1000] {
        let found = api.walk(&format!("/api/flights?text={place}"), limit, &position).await;
        assert_eq!(ids(&found, "id"), flights, "{limit}");
    }
    let flight = &flights[0];
    let mut passengers = Vec::new();
    for number in 0..12 {
        passengers.push(api.add(flight, &format!("Passenger {number}")).send().await.id());
    }
    let position = api.board(&passengers[0]).send().await.expect(StatusCode::OK).position();
    for limit in [1, 5, 12, 13] {
        let found = api.walk(&format!("/api/passengers?flightId={flight}"), limit, &position).await;
        assert_eq!(ids(&found, "id"), passengers, "{limit}");
    }
    // Everything of everybody, in small pages and in large ones.
    let small = api.walk("/api/manifests", 3, &position).await;
    let small = ids(&small, "flightId");
    let mut sorted = small.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(small, sorted);
    assert!(small.contains(flight));
}

#[tokio::test]
async fn what_is_added_behind_a_cursor_is_on_its_next_page() {
    let api = System::shared().await.api();
    let place = unique();
    let (flights, position) = flights_to(&api, &place, 3).await;
    let path = format!("/api/flights?text={place}&limit=2");
    let page = api.get(&path).position(&position).send().await.expect(StatusCode::OK);
    assert_eq!(ids(page.body["items"].as_array().unwrap(), "id"), flights[..2]);
    let next = page.body["next"].as_str().unwrap();

    let (more, position) = flights_to(&api, &place, 1).await;
    let page = api.get(&format!("{path}&after={next}")).position(&position).send().await.expect(StatusCode::OK);
    assert_eq!(ids(page.body["items"].as_array().unwrap(), "id"), [flights[2].clone(), more[0].clone()]);
    assert_eq!(page.body["next"], Value::Null);
}

#[tokio::test]
async fn filters_find_what_fits_all_of_them() {
    let api = System::shared().await.api();
    let place = format!("Ærø %_\\ {}", unique());
    let (flights, _) = flights_to(&api, &place, 3).await;
    let ada = api.new_passenger(&flights[0]).await;
    let grace = api.add(&flights[0], "Grace Hopper").send().await.id();
    api.board(&grace).send().await.expect(StatusCode::OK);
    api.new_boarded(&flights[1]).await;
    let departed = api.disembark(&flights[1]).send().await.expect(StatusCode::OK);
    let position = departed.position();

    let found = async |path: &str, field: &str, parameters: &[(&str, &str)]| {
        let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        let items = api.walk(&format!("{path}?{}", query.join("&")), 100, &position).await;
        ids(&items, field)
    };
    let flights_with = async |parameters: &[(&str, &str)]| found("/api/flights", "id", parameters).await;
    assert_eq!(flights_with(&[("text", &place)]).await, flights);
    assert_eq!(flights_with(&[("text", &place.to_uppercase())]).await, flights);
    let part: String = place.chars().skip(1).collect();
    assert_eq!(flights_with(&[("text", &part)]).await, flights);
    assert_eq!(flights_with(&[("text", &place), ("status", "disembarked")]).await, [flights[1].clone()]);
    assert_eq!(
        flights_with(&[("text", &place), ("status", "waitingForBoarding")]).await,
        [flights[0].clone(), flights[2].clone()]
    );
    assert!(flights_with(&[("text", &place), ("status", "arrived")]).await.is_empty());
    assert!(flights_with(&[("text", &place.replace('%', "x"))]).await.is_empty());

    let passengers_with = async |parameters: &[(&str, &str)]| found("/api/passengers", "id", parameters).await;
    let flight = flights[0].as_str();
    assert_eq!(passengers_with(&[("flightId", flight)]).await, [ada.clone(), grace.clone()]);
    assert_eq!(passengers_with(&[("flightId", flight), ("status", "boarded")]).await, slice::from_ref(&grace));
    assert_eq!(passengers_with(&[("flightId", flight), ("text", "LOVE")]).await, slice::from_ref(&ada));
    assert!(passengers_with(&[("flightId", flight), ("text", "LOVE"), ("status", "boarded")]).await.is_empty());
    assert!(passengers_with(&[("flightId", flight), ("text", "_")]).await.is_empty());

    let sealed = found("/api/manifests", "flightId", &[("state", "sealed")]).await;
    assert!(sealed.contains(&flights[1]) && !sealed.contains(&flights[0]));
    let open = found("/api/manifests", "flightId", &[("state", "open")]).await;
    assert!(open.contains(&flights[0]) && !open.contains(&flights[1]));
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn parameters_that_are_none_are_named() {
    let api = System::shared().await.api();
    let too_long = "x".repeat(101);
    for (path, at_fault) in [
        ("/api/flights?limit=0", vec!["limit"]),
        ("/api/flights?limit=1001", vec!["limit"]),
        ("/api/flights?limit=-1", vec!["limit"]),
        ("/api/flights?limit=x", vec!["limit"]),
        ("/api/flights?limit=", vec!["limit"]),
        ("/api/flights?limit=%2B1", vec!["limit"]),
        ("/api/flights?limit=99999999999999999999", vec!["limit"]),
        ("/api/flights?limit=1&limit=2", vec!["limit"]),
        ("/api/flights?after=", vec!["after"]),
        ("/api/flights?after=x", vec!["after"]),
        ("/api/flights?after=bnVsbA", vec!["after"]),
        ("/api/flights?status=", vec!["status"]),
        ("/api/flights?status=flying", vec!["status"]),
        ("/api/flights?status=checkedIn", vec!["status"]),
        ("/api/flights?text=%00", vec!["text"]),
        ("/api/flights?text=%20", vec!["text"]),
        (&format!("/api/flights?text={too_long}"), vec!["text"]),
        ("/api/flights?q=x", vec!["q"]),
        ("/api/flights?Limit=1&status=x&text=", vec!["Limit", "status", "text"]),
        ("/api/passengers?flightId=1", vec!["flightId"]),
        ("/api/passengers?status=disembarked", vec!["status"]),
        ("/api/passengers?flight=x", vec!["flight"]),
        ("/api/manifests?state=full", vec!["state"]),
        ("/api/manifests?status=open", vec!["status"]),
        ("/api/auditlog/all?limit=0", vec!["limit"]),
        ("/api/auditlog/all?after=x", vec!["after"]),
        ("/api/auditlog/flights?since=x", vec!["since"]),
        ("/api/auditlog/all?from=x&to=2026-01-01&actor=", vec!["actor", "from", "to"]),
        ("/api/auditlog/events?flightId=x&limit=1", vec!["flightId", "limit"]),
    ] {
        let answer = api.get(path).send().await.expect_problem(422, "invalid-request");
        assert_eq!(answer.faults(), at_fault, "{path}: {}", answer.text);
    }
    for path in ["/api/flights?limit=1", "/api/passengers?limit=1000", "/api/auditlog/all?limit=1000"] {
        api.get(path).send().await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn the_audit_log_is_read_in_pages_and_polled_for_what_is_new() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let passenger = api.new_boarded(&flight).await;
    let expected = History::read(&api).await;
    for (list, stream) in [("all", None), ("flights", Some("flight-stream")), ("passengers", Some("passenger-stream"))]
    {
        let expected: Vec<_> = expected
            .entries
            .iter()
            .filter(|entry| stream.is_none_or(|stream| entry.stream == stream))
            .map(|entry| entry.event_id.clone())
            .collect();
        let (found, next) = read_up_to(&api, list, expected.len()).await;
        assert_eq!(found, expected, "{list}");

        // What is new since, with every poll; never an event twice.
        let flight_before = api.new_flight().await;
        api.new_passenger(&flight_before).await;
        let page = api.get(&format!("/api/auditlog/{list}?after={next}&limit=1000")).send().await;
        let page = page.expect(StatusCode::OK).body;
        let news = page["items"].as_array().unwrap();
        assert!(news.iter().any(|entry| entry["data"]["flightId"] == flight_before.as_str()), "{list}");
        assert!(news.iter().all(|entry| !expected.contains(&entry["eventId"].as_str().unwrap().to_owned())), "{list}");
        assert!(page["next"].is_string(), "{list}");
    }
    let told: Vec<_> = expected.of_flight(&flight).iter().map(|entry| entry.event_id.clone()).collect();
    let (own, _) = read_up_to(&api, &format!("all?flightId={flight}"), told.len()).await;
    assert_eq!(own, told);
    let (own, _) = read_up_to(&api, &format!("passengers?passengerId={passenger}&eventType=PassengerBoarded"), 1).await;
    assert_eq!(own.len(), 1);

    // A cursor is of one list.
    let flights = api.get("/api/auditlog/flights?limit=1").send().await.expect(StatusCode::OK);
    let cursor = flights.body["next"].as_str().unwrap();
    let other = api.get(&format!("/api/auditlog/all?after={cursor}")).send().await;
    assert_eq!(other.expect_problem(422, "invalid-request").faults(), ["after"]);
}

/// The ids of the first entries of a list, in pages of seven at most, and the cursor behind them.
async fn read_up_to(api: &Api, list: &str, count: usize) -> (Vec<String>, String) {
    let separator = if list.contains('?') { '&' } else { '?' };
    let (mut found, mut after) = (Vec::new(), String::new());
    while found.len() < count {
        let limit = 7.min(count - found.len());
        let page = api.get(&format!("/api/auditlog/{list}{separator}limit={limit}{after}")).send().await;
        let page = page.expect(StatusCode::OK).body;
        found.extend(ids(page["items"].as_array().unwrap(), "eventId"));
        after = format!("&after={}", page["next"].as_str().expect("a cursor"));
    }
    (found, after.trim_start_matches("&after=").to_owned())
}
