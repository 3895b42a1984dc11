//! What people do at the gate, from the beginning to the end.

use std::time::Duration;

use jetbridge_testing::{Answer, Api, Call, eventually, flight_details, unique};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::history::{Entry, History};
use crate::system::System;

/// How soon a reaction has to show.
const SOON: Duration = Duration::from_secs(2);

/// A flight as it is now.
async fn flight(api: &Api, id: &str, after: &Answer) -> Value {
    let answer = api.get(&format!("/api/flights/{id}")).position(&after.position()).send().await;
    answer.expect(StatusCode::OK).body
}

async fn passenger(api: &Api, id: &str, after: &Answer) -> Value {
    let answer = api.get(&format!("/api/passengers/{id}")).position(&after.position()).send().await;
    answer.expect(StatusCode::OK).body
}

async fn manifest(api: &Api, flight: &str, after: &Answer) -> Value {
    let answer = api.get(&format!("/api/manifests/{flight}")).position(&after.position()).send().await;
    answer.expect(StatusCode::OK).body
}

/// Every change of the manifest is refused.
async fn assert_refused(api: &Api, flight: &str, passenger: &str, adding: &str, changing: &str) {
    api.add(flight, "Too Late").send().await.expect_problem(409, adding);
    api.board(passenger).send().await.expect_problem(409, changing);
    api.offload(passenger).send().await.expect_problem(409, changing);
    api.rename(passenger, "Too Late").send().await.expect_problem(409, changing);
}

#[tokio::test]
async fn a_flight_leaves_when_all_have_boarded_and_lands() {
    let api = System::shared().await.api();
    let id = api.new_flight().await;
    let mut passengers = Vec::new();
    for name in ["Ada Lovelace", "Grace Hopper", "Alan Turing"] {
        let added = api.add(&id, name).send().await.expect(StatusCode::CREATED);
        assert_eq!(added.body, json!({"id": added.id(), "flightId": id, "name": name, "status": "checkedIn"}));
        passengers.push(added.id());
    }
    for passenger in &passengers[..2] {
        let boarded = api.board(passenger).send().await.expect(StatusCode::OK);
        assert_eq!(boarded.body["status"], "boarded");
    }

    let refused = api.disembark(&id).send().await.expect_problem(409, "not-all-boarded");
    assert_eq!(refused.body["missing"], 1);
    assert_eq!(refused.body["passengers"], json!([{"id": passengers[2], "name": "Alan Turing"}]));
    let open = manifest(&api, &id, &refused).await;
    assert_eq!(open["state"], "open");
    assert_eq!(open["counts"], json!({"checkedIn": 1, "boarded": 2, "arrived": 0, "offloaded": 0}));
    assert_eq!(open["missing"], refused.body["passengers"]);

    let boarded = api.board(&passengers[2]).send().await.expect(StatusCode::OK);
    assert_eq!(flight(&api, &id, &boarded).await["status"], "allBoarded");

    let departed = api.disembark(&id).send().await.expect(StatusCode::OK);
    assert_eq!(departed.body["status"], "disembarked");
    assert_eq!(flight(&api, &id, &departed).await, departed.body);
    assert_eq!(manifest(&api, &id, &departed).await["state"], "sealed");
    assert_refused(&api, &id, &passengers[0], "flight-departed", "manifest-sealed").await;
    let correction = api.put(&format!("/api/flights/{id}")).json(&flight_details()).send().await;
    correction.expect_problem(409, "flight-departed");
    api.disembark(&id).send().await.expect_problem(409, "flight-departed");

    let landed = api.land(&id).send().await.expect(StatusCode::OK);
    assert_eq!(landed.body["status"], "arrived");
    assert_eq!(flight(&api, &id, &landed).await, landed.body);
    let closed = manifest(&api, &id, &landed).await;
    assert_eq!(closed["state"], "closed");
    assert_eq!(closed["counts"], json!({"checkedIn": 0, "boarded": 0, "arrived": 3, "offloaded": 0}));
    assert_eq!(passenger(&api, &passengers[0], &landed).await["status"], "arrived");
    assert_refused(&api, &id, &passengers[0], "flight-arrived", "manifest-closed").await;
    api.land(&id).send().await.expect_problem(409, "flight-arrived");
}

#[tokio::test]
async fn an_empty_flight_does_not_leave() {
    let api = System::shared().await.api();
    let id = api.new_flight().await;
    let refused = api.disembark(&id).send().await.expect_problem(409, "not-all-boarded");
    assert_eq!(refused.body["missing"], 0);
    assert_eq!(refused.body["passengers"], json!([]));
    let nobody = "Nobody is on board. At least one passenger has to board before the flight can leave.";
    assert_eq!(refused.body["detail"], nobody);

    // Nor does one whose passengers were all taken off, and what is said is as true of it.
    let passenger = api.new_boarded(&id).await;
    api.offload(&passenger).send().await.expect(StatusCode::OK);
    let refused = api.disembark(&id).send().await.expect_problem(409, "not-all-boarded");
    assert_eq!((&refused.body["missing"], &refused.body["detail"]), (&json!(0), &json!(nobody)));
    api.land(&id).send().await.expect_problem(409, "flight-not-departed");
}

#[tokio::test]
async fn a_flight_in_the_air_cannot_be_deleted() {
    let api = System::shared().await.api();
    let (id, passenger_id) = api.new_departed().await;
    api.delete_flight(&id).send().await.expect_problem(409, "flight-in-the-air");
    let landed = api.land(&id).send().await.expect(StatusCode::OK);
    assert_eq!(passenger(&api, &passenger_id, &landed).await["status"], "arrived");

    let deleted = api.delete_flight(&id).send().await.expect(StatusCode::NO_CONTENT);
    assert_eq!(deleted.text, "");
    for path in [format!("/api/flights/{id}"), format!("/api/passengers/{passenger_id}")] {
        api.get(&path).position(&deleted.position()).send().await.expect(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_deleted_flight_takes_its_passengers_with_it() {
    let api = System::shared().await.api();
    let id = api.new_flight().await;
    let boarded = api.new_boarded(&id).await;
    let checked_in = api.new_passenger(&id).await;
    let deleted = api.delete_flight(&id).send().await.expect(StatusCode::NO_CONTENT);

    // At once for who shows what they have seen.
    let position = deleted.position();
    api.get(&format!("/api/flights/{id}")).position(&position).send().await.expect_problem(404, "flight-not-found");
    for passenger in [&boarded, &checked_in] {
        let path = format!("/api/passengers/{passenger}");
        api.get(&path).position(&position).send().await.expect_problem(404, "passenger-not-found");
    }
    assert!(api.walk(&format!("/api/passengers?flightId={id}"), 10, &position).await.is_empty());
    api.add(&id, "Too Late").send().await.expect_problem(404, "flight-not-found");
    api.board(&checked_in).send().await.expect_problem(404, "passenger-not-found");
    api.disembark(&id).send().await.expect_problem(404, "flight-not-found");
    api.delete_flight(&id).send().await.expect_problem(404, "flight-not-found");
}

#[tokio::test]
async fn passengers_of_a_deleted_flight_are_gone_soon_for_everybody() {
    let api = System::shared().await.api();
    let id = api.new_flight().await;
    let passenger = api.new_passenger(&id).await;
    let path = format!("/api/passengers/{passenger}");
    eventually("the passenger is shown", SOON, async || api.get(&path).send().await.status == StatusCode::OK).await;
    api.delete_flight(&id).send().await.expect(StatusCode::NO_CONTENT);
    eventually("the passenger is removed", SOON, async || api.get(&path).send().await.slug() == "passenger-not-found")
        .await;
}

#[tokio::test]
async fn offloading_the_last_one_missing_completes_the_manifest() {
    let api = System::shared().await.api();
    let id = api.new_flight().await;
    api.new_boarded(&id).await;
    let missing = api.new_passenger(&id).await;
    api.post(&format!("/api/passengers/{missing}/offload"))
        .json(&json!({}))
        .send()
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    let offloaded = api.offload(&missing).send().await.expect(StatusCode::OK);
    assert_eq!(offloaded.body["status"], "offloaded");
    assert_eq!(flight(&api, &id, &offloaded).await["status"], "allBoarded");
    let complete = manifest(&api, &id, &offloaded).await;
    assert_eq!(complete["counts"], json!({"checkedIn": 0, "boarded": 1, "arrived": 0, "offloaded": 1}));
    assert_eq!(complete["missing"], json!([]));
    api.board(&missing).send().await.expect_problem(409, "passenger-offloaded");
    api.offload(&missing).send().await.expect_problem(409, "passenger-offloaded");

    // Somebody new opens it again.
    let late = api.add(&id, "Late Comer").send().await.expect(StatusCode::CREATED);
    assert_eq!(flight(&api, &id, &late).await["status"], "waitingForBoarding");
    let boarded = api.board(&late.id()).send().await.expect(StatusCode::OK);
    assert_eq!(flight(&api, &id, &boarded).await["status"], "allBoarded");
    api.board(&late.id()).send().await.expect_problem(409, "passenger-already-boarded");

    api.disembark(&id).send().await.expect(StatusCode::OK);
    let landed = api.land(&id).send().await.expect(StatusCode::OK);
    assert_eq!(passenger(&api, &missing, &landed).await["status"], "offloaded");
}

#[tokio::test]
async fn a_flight_whose_last_passenger_is_offloaded_waits_again() {
    let api = System::shared().await.api();
    let id = api.new_flight().await;
    let only = api.new_boarded(&id).await;
    let offloaded = api.offload(&only).send().await.expect(StatusCode::OK);
    assert_eq!(flight(&api, &id, &offloaded).await["status"], "waitingForBoarding");
    let refused = api.disembark(&id).send().await.expect_problem(409, "not-all-boarded");
    assert_eq!(refused.body["missing"], 0);
}

#[tokio::test]
async fn details_and_names_are_corrected() {
    let api = System::shared().await.api();
    let id = api.new_flight().await;
    let details = json!({
        "flightNumber": " JB 7 ", "origin": "CDG", "destination": "Zürich", "scheduledDeparture": "2026-05-01T14:30:00+02:00",
    });
    let corrected = api.put(&format!("/api/flights/{id}")).json(&details).send().await.expect(StatusCode::OK);
    let expected = json!({
        "id": id, "flightNumber": "JB 7", "origin": "CDG", "destination": "Zürich",
        "scheduledDeparture": "2026-05-01T14:30:00+02:00", "status": "waitingForBoarding",
    });
    assert_eq!(corrected.body, expected);
    assert_eq!(flight(&api, &id, &corrected).await, expected);

    let passenger_id = api.new_passenger(&id).await;
    let renamed = api.rename(&passenger_id, "  Ada King 👑 ").send().await.expect(StatusCode::OK);
    assert_eq!(renamed.body["name"], "Ada King 👑");
    assert_eq!(passenger(&api, &passenger_id, &renamed).await, renamed.body);

    // What changes nothing leaves no event.
    let again = api.rename(&passenger_id, "Ada King 👑").send().await.expect(StatusCode::OK);
    assert_eq!((again.body.clone(), again.etag()), (renamed.body.clone(), renamed.etag()));
    let again = api.put(&format!("/api/flights/{id}")).json(&details).send().await.expect(StatusCode::OK);
    assert_eq!((again.body.clone(), again.etag()), (corrected.body.clone(), corrected.etag()));
    let types: Vec<_> = History::read(&api).await.of_flight(&id).iter().map(|entry| entry.event_type.clone()).collect();
    assert_eq!(types, ["FlightCreated", "FlightDetailsCorrected", "PassengerCheckedIn", "PassengerNameCorrected"]);
}

#[tokio::test]
async fn the_audit_log_tells_the_whole_story() {
    let api = System::shared().await.api();
    let (actor, correlation) = (format!("gate {}", unique()), unique());
    let trace = format!("00-{}-{}-01", unique(), &unique()[..16]);
    let asked = |call: Call| {
        call.header("Jetbridge-Actor", &actor).header("X-Correlation-Id", &correlation).header("traceparent", &trace)
    };
    let id = asked(api.create_flight()).send().await.id();
    let ada = asked(api.add(&id, "Ada Lovelace")).send().await.id();
    let grace = asked(api.add(&id, "Grace Hopper")).send().await.id();
    asked(api.board(&ada)).send().await.expect(StatusCode::OK);
    asked(api.offload(&grace)).send().await.expect(StatusCode::OK);
    asked(api.disembark(&id)).key(&unique()).send().await.expect(StatusCode::OK);
    asked(api.land(&id)).send().await.expect(StatusCode::OK);
    asked(api.delete_flight(&id)).send().await.expect(StatusCode::NO_CONTENT);

    let (history, _) = History::settled_for(&api, &id).await;
    let story = history.of_flight(&id);
    let told: Vec<_> = story.iter().map(|entry| (entry.event_type.as_str(), entry.passenger())).collect();
    assert_eq!(
        told,
        [
            ("FlightCreated", None),
            ("PassengerCheckedIn", Some(ada.as_str())),
            ("PassengerCheckedIn", Some(&grace)),
            ("PassengerBoarded", Some(&ada)),
            ("PassengerOffloaded", Some(&grace)),
            ("ManifestCompleted", None),
            ("FlightAllBoarded", None),
            ("ManifestSealed", None),
            ("FlightDisembarked", None),
            ("FlightLanded", None),
            ("ManifestClosed", None),
            ("PassengerArrived", Some(&ada)),
            ("FlightDeleted", None),
            ("ManifestClosed", None),
            ("PassengerRemoved", Some(&ada)),
            ("PassengerRemoved", Some(&grace)),
        ]
    );
    assert_eq!(story[1].data, json!({"flightId": id, "passengerId": ada, "name": "Ada Lovelace"}));
    assert_eq!(story[4].data["reason"], "no-show");
    for Entry { metadata, event_type, .. } in &story {
        assert_eq!(metadata["actor"], actor, "{event_type}");
        assert_eq!(metadata["$correlationId"], correlation, "{event_type}");
        assert_eq!(metadata["traceparent"], trace, "{event_type}");
        assert!(metadata["$causationId"].as_str().is_some_and(|id| !id.is_empty()), "{event_type}");
        let version = if event_type == "FlightCreated" { 2 } else { 1 };
        assert_eq!(metadata["schemaVersion"], version, "{event_type}");
    }
}
