//! When a flight should leave the gate comes back as it was sent.

use flight_core::FlightStatus::WaitingForBoarding;
use flight_core::OffsetDateTime;
use jetbridge_testing::Answer;
use jiff::Timestamp;
use proptest::prelude::{Just, prop_assert_eq, prop_oneof, proptest};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared_service::parse;

use crate::support::{Tables, TestApi};

/// The same point in time, as it is given in three places.
const KIRITIMATI: &str = "2026-05-01T12:30:00+14:00";
const CHATHAM: &str = "2026-05-01T11:15:00+12:45";
const UTC: &str = "2026-04-30T22:30:00Z";

fn details(departure: &str) -> Value {
    json!({"flightNumber": "JB1", "origin": "CXI", "destination": "HNL", "scheduledDeparture": departure})
}

/// Sends the details of a flight that leaves at this time.
async fn send(api: &TestApi, method: Method, path: &str, departure: &str, key: &str) -> Answer {
    // The API takes no commands before it has found its event store.
    let answer = api.call(method, path).key(key).json(&details(departure)).send_once_available().await;
    assert!(answer.status.is_success(), "{answer:?}");
    answer
}

/// What a query shows that covers this position.
async fn query(api: &TestApi, path: &str, position: &str) -> Value {
    api.get(path).position(position).send_once_available().await.expect(StatusCode::OK).body
}

/// Asserts that the flight and the list of flights show what the command left.
async fn assert_shown(api: &TestApi, left: &Answer) {
    let id = left.body["id"].as_str().unwrap();
    assert_eq!(query(api, &format!("/api/flights/{id}"), &left.position()).await, left.body);
    let list = query(api, &format!("/api/flights?ids={id}"), &left.position()).await;
    assert_eq!(list["items"], json!([left.body]));
}

#[tokio::test]
async fn a_departure_comes_back_as_it_was_sent() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let _processor = api.project(&tables).await;
    for departure in [
        KIRITIMATI,
        CHATHAM,
        UTC,
        "1970-01-01T00:00:00.000001-11:30",
        "2199-12-31T23:59:59.999999-12:00",
        // The same point in time, as it is shown without its offset.
        "2200-01-01T11:59:59.999999Z",
    ] {
        let created = send(&api, Method::POST, "/api/flights", departure, departure).await;
        assert_eq!(created.body["scheduledDeparture"], departure);
        assert_shown(&api, &created).await;

        let repeated = send(&api, Method::POST, "/api/flights", departure, departure).await;
        assert_eq!(repeated.body, created.body);
    }
}

proptest! {
    /// In every offset, and as it is shown where offsets are not kept.
    #[test]
    fn what_is_taken_comes_back_as_it_was_sent_and_is_taken_again(
        seconds in prop_oneof![-86_399..200_000_i64, 7_258_000_000..7_258_204_800_i64, 0..7_258_118_400_i64],
        microseconds in prop_oneof![Just(0), 0..1_000_000],
        minutes in -1_439..=1_439_i16,
    ) {
        let at = Timestamp::new(seconds, microseconds * 1_000).unwrap();
        for departure in [OffsetDateTime::with_offset_minutes(at, minutes), OffsetDateTime::utc(at)] {
            let sent = departure.to_string();
            let taken = parse::timestamp(&sent).map(|(at, offset)| OffsetDateTime::new(at, offset));
            prop_assert_eq!(taken, Ok(departure), "{}", &sent);
            prop_assert_eq!(sent.parse::<OffsetDateTime>().unwrap(), departure);
        }
    }
}

#[tokio::test]
async fn another_offset_is_a_correction_and_the_same_one_is_none() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let _processor = api.project(&tables).await;
    let created = send(&api, Method::POST, "/api/flights", KIRITIMATI, "create").await;
    let path = format!("/api/flights/{}", created.body["id"].as_str().unwrap());

    let unchanged = api.put(&path).json(&details(KIRITIMATI)).send().await.expect(StatusCode::OK);
    assert_eq!((&unchanged.body, unchanged.etag()), (&created.body, created.etag()));

    let mut before = created;
    for departure in [CHATHAM, UTC, KIRITIMATI] {
        let corrected = send(&api, Method::PUT, &path, departure, departure).await;
        assert_eq!(corrected.body["scheduledDeparture"], departure);
        assert_ne!(corrected.etag(), before.etag());
        assert_shown(&api, &corrected).await;
        before = corrected;
    }

    // With a key it is recorded, so that it can be told from what comes after it.
    let recorded = send(&api, Method::PUT, &path, KIRITIMATI, "the same").await;
    assert_eq!(recorded.body, before.body);
    assert_ne!(recorded.etag(), before.etag());
    let another = send(&api, Method::PUT, &path, UTC, "another").await;
    let repeated = send(&api, Method::PUT, &path, KIRITIMATI, "the same").await;
    assert_eq!((&repeated.body, repeated.etag()), (&recorded.body, recorded.etag()));
    assert_eq!(query(&api, &path, &another.position()).await["scheduledDeparture"], UTC);
}

#[tokio::test]
async fn a_row_from_before_offsets_were_kept_is_shown_in_utc() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let id = "01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01";
    tables
        .execute(&format!(
            "INSERT INTO flights (id, flight_number, origin, destination, scheduled_departure, status, version, search)
             VALUES ('{id}', 'JB1', 'CXI', 'HNL', '{KIRITIMATI}', 'waitingForBoarding', 0, '')"
        ))
        .await;
    assert_eq!(api.found(&format!("/api/flights/{id}")).await["scheduledDeparture"], UTC);
}

#[tokio::test]
async fn a_repeated_command_gives_the_same_departure_after_a_restart() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let created = send(&api, Method::POST, "/api/flights", KIRITIMATI, "the same").await;
    let api = api.restart(&tables).await;
    let repeated = send(&api, Method::POST, "/api/flights", KIRITIMATI, "the same").await;
    assert_eq!((&repeated.body, repeated.etag()), (&created.body, created.etag()));
}

#[tokio::test]
async fn a_flight_from_before_offsets_were_kept_is_shown_in_utc_and_can_be_corrected() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let id = "01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01";
    let mut created = details(UTC);
    created["flightId"] = id.into();
    api.append_version_1("FlightCreated", &created).await;
    let _processor = api.project(&tables).await;
    let path = format!("/api/flights/{id}");
    assert_eq!(query(&api, &path, "f0").await["scheduledDeparture"], UTC);

    let unchanged = api.put(&path).json(&details(UTC)).send_once_available().await;
    assert_eq!((&unchanged.body["scheduledDeparture"], unchanged.position()), (&UTC.into(), "f0".to_owned()));
    let corrected = send(&api, Method::PUT, &path, KIRITIMATI, "another offset").await;
    assert_eq!((&corrected.body["scheduledDeparture"], corrected.position()), (&KIRITIMATI.into(), "f1".to_owned()));
    assert_shown(&api, &corrected).await;
}

/// An API may start before the processor of its version has migrated the database.
#[tokio::test]
async fn before_the_tables_can_hold_offsets_flights_are_unavailable_for_a_moment() {
    let tables = Tables::create().await;
    let flights = tables.add("OSL", &[WaitingForBoarding]).await;
    let api = TestApi::start(&tables).await;
    tables.execute("ALTER TABLE flights DROP COLUMN scheduled_departure_offset").await;
    api.get(&format!("/api/flights/{}", flights[0])).send().await.expect_problem(503, "unavailable");
}
