//! Passengers of a flight that landed long ago: what is answered does not depend on whether the API remembers them.

use std::time::Duration;

use jetbridge_testing::{Answer, TestEventStore, eventually, unknown_id};
use passenger_contract::{FlightEnding, PassengerId};
use passenger_core::{
    ManifestClosed, ManifestSealed, OffloadReason, PassengerArrived, PassengerBoarded, PassengerCheckedIn,
    PassengerEvent, PassengerName, PassengerOffloaded,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Tables, TestApi, append, flights_are_deleted, new_flight, process, stored};

const LIMIT: Duration = Duration::from_secs(30);

/// Of a flight with one who has flown, and one who was taken off.
fn landed() -> (String, [String; 2], Vec<PassengerEvent>) {
    let flight_id = new_flight();
    let passengers = [(); 2].map(|()| PassengerId::new(Uuid::now_v7()));
    let [ada, bob] = passengers;
    let check_in = |passenger_id| {
        let name = PassengerName::new("Somebody").unwrap();
        PassengerEvent::CheckedIn(PassengerCheckedIn { flight_id, passenger_id, name })
    };
    let reason = OffloadReason::new("no-show").unwrap();
    let events = vec![
        check_in(ada),
        check_in(bob),
        PassengerEvent::Boarded(PassengerBoarded { flight_id, passenger_id: ada }),
        PassengerEvent::Offloaded(PassengerOffloaded { flight_id, passenger_id: bob, reason }),
        PassengerEvent::ManifestSealed(ManifestSealed { flight_id, boarded: 1 }),
        PassengerEvent::ManifestClosed(ManifestClosed { flight_id, ending: FlightEnding::Landed }),
        PassengerEvent::Arrived(PassengerArrived { flight_id, passenger_id: ada }),
    ];
    (flight_id.to_string(), passengers.map(|id| id.to_string()), events)
}

fn said(answer: &Answer) -> (StatusCode, Value) {
    (answer.status, answer.body["type"].clone())
}

/// What an API answers to everything that can be asked about these passengers.
async fn answers(api: &TestApi, passengers: &[String]) -> Vec<(StatusCode, Value)> {
    let mut answers = Vec::new();
    for passenger in passengers {
        let board = || api.board(passenger);
        for call in [board(), board().if_match("\"0\""), api.offload(passenger), api.rename(passenger, "Another")] {
            // The API takes no commands before it has found its event store.
            answers.push(said(&call.send_once_available().await));
        }
        answers.push(said(&api.get(&format!("/api/passengers/{passenger}")).send().await));
    }
    answers
}

async fn close(api: &TestApi, flight: &str) -> Value {
    let cause = json!({"correlationId": "a test", "causationId": null, "actor": "a test"});
    let params = json!({"flight_id": flight, "ending": "deleted", "cause": cause});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "manifest.close", "params": params});
    api.as_a_service().post("/rpc").json(&call).response().await.json().await.unwrap()
}

#[tokio::test]
async fn an_api_that_has_forgotten_them_answers_as_one_that_has_not() {
    let (tables, store) = tokio::join!(Tables::create(), TestEventStore::start());
    let (flight, mut passengers, events) = landed();
    append(&store, &events).await;
    let _processor = process(&tables, &store).await;
    let (flights, _handle) = flights_are_deleted().await;
    let start = |forget_after| TestApi::start_on(&tables, store.connection_string(), forget_after, Some(flights));
    let (remembering, forgetting) = (start(shared_infrastructure::ledger::FORGET_AFTER), start(Duration::ZERO));
    let (remembering, forgetting) = tokio::join!(remembering, forgetting);
    eventually("they are shown", LIMIT, async || {
        forgetting.texts(&format!("/api/passengers?flightId={flight}"), "id").await.len() == passengers.len()
    })
    .await;
    passengers.sort();
    let unknown = unknown_id();
    let asked: Vec<_> = passengers.iter().cloned().chain([unknown]).collect();
    let expected = answers(&remembering, &asked).await;
    assert_eq!(answers(&forgetting, &asked).await, expected);
    let closed = |(status, problem): &(StatusCode, Value)| {
        *status == StatusCode::CONFLICT && problem.as_str().unwrap().ends_with("/manifest-closed")
    };
    assert_eq!(expected.iter().filter(|answer| closed(answer)).count(), 6, "{expected:?}");

    // And whoever deletes the flight after all removes each of them, once.
    for api in [&forgetting, &remembering, &forgetting] {
        let answer = close(api, &flight).await;
        assert_eq!(answer["result"]["revision"], events.len() + passengers.len(), "{answer}");
    }
    let mut removed = Vec::new();
    for event in stored(&store).await.split_off(events.len()) {
        if let PassengerEvent::Removed(event) = event {
            removed.push(event.passenger_id.to_string());
        }
    }
    removed.sort();
    assert_eq!(removed, passengers);
    eventually("they are gone", LIMIT, async || {
        forgetting.texts(&format!("/api/passengers?flightId={flight}"), "id").await.is_empty()
    })
    .await;
    let expected = answers(&remembering, &passengers).await;
    assert_eq!(answers(&forgetting, &passengers).await, expected);
}
