//! When a flight should leave the gate comes back as it was sent.

use flight_core::FlightStatus::WaitingForBoarding;
use jetbridge_testing::eventually;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{LIMIT, Tables, TestApi};

/// The same point in time, as it is given in three places.
const KIRITIMATI: &str = "2026-05-01T12:30:00+14:00";
const CHATHAM: &str = "2026-05-01T11:15:00+12:45";
const UTC: &str = "2026-04-30T22:30:00Z";

/// A command's answer: the body, the version, and the position that it led to.
struct Answer {
    body: Value,
    etag: String,
    position: String,
}

/// Sends the details of a flight that leaves at this time.
async fn send(api: &TestApi, method: Method, path: &str, departure: &str, key: &str) -> Answer {
    let details =
        json!({"flightNumber": "JB1", "origin": "CXI", "destination": "HNL", "scheduledDeparture": departure});
    // The API takes no commands before it has found its event store.
    eventually("the command is carried out", LIMIT, async || {
        let request = api.request(method.clone(), path).header("Idempotency-Key", key).json(&details);
        let response = request.send().await.unwrap();
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            return None;
        }
        assert!(response.status().is_success(), "{response:?}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let (etag, position) = (header("ETag"), header("Jetbridge-Position"));
        Some(Answer { body: response.json().await.unwrap(), etag, position })
    })
    .await
}

/// What a query shows that covers this position.
async fn query(api: &TestApi, path: &str, position: &str) -> Value {
    eventually("the read model is there", LIMIT, async || {
        let request = api.request(Method::GET, path).header("Jetbridge-Position", position);
        let response = request.send().await.unwrap();
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            return None;
        }
        assert_eq!(response.status(), StatusCode::OK, "{response:?}");
        Some(response.json::<Value>().await.unwrap())
    })
    .await
}

/// Asserts that the flight and the list of flights show what the command left.
async fn assert_shown(api: &TestApi, left: &Answer) {
    let id = left.body["id"].as_str().unwrap();
    assert_eq!(query(api, &format!("/api/flights/{id}"), &left.position).await, left.body);
    let list = query(api, &format!("/api/flights?ids={id}"), &left.position).await;
    assert_eq!(list["items"], json!([left.body]));
}

#[tokio::test]
async fn a_departure_comes_back_as_it_was_sent() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let _processor = api.project(&tables).await;
    for departure in [KIRITIMATI, CHATHAM, UTC, "1970-01-01T00:00:00.000001-11:30", "2199-12-31T23:59:59.999999-12:00"]
    {
        let created = send(&api, Method::POST, "/api/flights", departure, departure).await;
        assert_eq!(created.body["scheduledDeparture"], departure);
        assert_shown(&api, &created).await;

        let repeated = send(&api, Method::POST, "/api/flights", departure, departure).await;
        assert_eq!(repeated.body, created.body);
    }
}

#[tokio::test]
async fn another_offset_is_a_correction_and_the_same_one_is_none() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let _processor = api.project(&tables).await;
    let created = send(&api, Method::POST, "/api/flights", KIRITIMATI, "create").await;
    let path = format!("/api/flights/{}", created.body["id"].as_str().unwrap());

    let unchanged = send(&api, Method::PUT, &path, KIRITIMATI, "the same").await;
    assert_eq!((&unchanged.body, &unchanged.etag), (&created.body, &created.etag));

    let mut before = created;
    for departure in [CHATHAM, UTC, KIRITIMATI] {
        let corrected = send(&api, Method::PUT, &path, departure, departure).await;
        assert_eq!(corrected.body["scheduledDeparture"], departure);
        assert_ne!(corrected.etag, before.etag);
        assert_shown(&api, &corrected).await;
        before = corrected;
    }
}

#[tokio::test]
async fn a_row_from_before_offsets_were_kept_is_shown_in_utc() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let client = tables.0.client().await;
    let id = "01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01";
    client
        .batch_execute(&format!(
            "INSERT INTO flights (id, flight_number, origin, destination, scheduled_departure, status, version, search)
             VALUES ('{id}', 'JB1', 'CXI', 'HNL', '{KIRITIMATI}', 'waitingForBoarding', 0, '')"
        ))
        .await
        .unwrap();
    let (status, flight) = api.get(&format!("/api/flights/{id}")).await;
    assert_eq!((status, &flight["scheduledDeparture"]), (StatusCode::OK, &UTC.into()));
}

#[tokio::test]
async fn a_repeated_command_gives_the_same_departure_after_a_restart() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let created = send(&api, Method::POST, "/api/flights", KIRITIMATI, "the same").await;
    let api = api.restart(&tables).await;
    let repeated = send(&api, Method::POST, "/api/flights", KIRITIMATI, "the same").await;
    assert_eq!((repeated.body, repeated.etag), (created.body, created.etag));
}

#[tokio::test]
async fn a_flight_from_before_offsets_were_kept_is_shown_in_utc_and_can_be_corrected() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let id = "01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01";
    let details = json!({
        "flightId": id, "flightNumber": "JB1", "origin": "CXI", "destination": "HNL", "scheduledDeparture": UTC,
    });
    api.append_version_1("FlightCreated", &details).await;
    let _processor = api.project(&tables).await;
    let path = format!("/api/flights/{id}");
    assert_eq!(query(&api, &path, "f0").await["scheduledDeparture"], UTC);

    let unchanged = send(&api, Method::PUT, &path, UTC, "the same").await;
    assert_eq!((&unchanged.body["scheduledDeparture"], unchanged.position.as_str()), (&UTC.into(), "f0"));
    let corrected = send(&api, Method::PUT, &path, KIRITIMATI, "another offset").await;
    assert_eq!((&corrected.body["scheduledDeparture"], corrected.position.as_str()), (&KIRITIMATI.into(), "f1"));
    assert_shown(&api, &corrected).await;
}

/// An API may start before the processor of its version has migrated the database.
#[tokio::test]
async fn before_the_tables_can_hold_offsets_flights_are_unavailable_for_a_moment() {
    let tables = Tables::create().await;
    let flights = tables.add("OSL", &[WaitingForBoarding]).await;
    let api = TestApi::start(&tables).await;
    let client = tables.0.client().await;
    client.batch_execute("ALTER TABLE flights DROP COLUMN scheduled_departure_offset").await.unwrap();
    let (status, problem) = api.get(&format!("/api/flights/{}", flights[0])).await;
    assert_eq!((status, &problem["type"]), (StatusCode::SERVICE_UNAVAILABLE, &"/problems/unavailable".into()));
}
