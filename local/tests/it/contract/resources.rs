//! Flights, passengers and manifests: what each call answers.

use jetbridge_testing::{Answer, Api, flight_details, unknown_id};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::history::History;
use crate::system::System;

/// What was created, where it can be found.
async fn assert_created(api: &Api, created: &Answer, collection: &str) {
    let id = created.id();
    assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 7, "{id}");
    assert_eq!(created.header("Location"), Some(format!("{collection}/{id}").as_str()));
    let found = api.get(created.header("Location").unwrap()).position(&created.position()).send().await;
    assert_eq!(found.status, StatusCode::OK);
    assert_eq!((&found.body, found.etag()), (&created.body, created.etag()));
    assert!(!found.position().is_empty());
}

#[tokio::test]
async fn flights_are_created_and_found() {
    let api = System::shared().await.api();
    let created = api.create_flight().send().await.expect(StatusCode::CREATED);
    let mut expected = flight_details();
    expected["id"] = json!(created.id());
    expected["status"] = json!("waitingForBoarding");
    assert_eq!(created.body, expected);
    assert_created(&api, &created, "/api/flights").await;

    // What is optional may be left out, and text is trimmed.
    let scheduled = json!({
        "flightNumber": "\t1234567890 ", "origin": "x", "destination": "é".repeat(100),
        "scheduledDeparture": "2199-12-31T23:59:59.999999Z",
    });
    let created = api.post("/api/flights").json(&scheduled).send().await.expect(StatusCode::CREATED);
    assert_eq!(created.body["flightNumber"], "1234567890");
    assert_eq!(created.body["scheduledDeparture"], "2199-12-31T23:59:59.999999Z");
    assert_created(&api, &created, "/api/flights").await;
    let bare = json!({"flightNumber": "1", "origin": "x", "destination": "y"});
    let created = api.post("/api/flights").json(&bare).send().await.expect(StatusCode::CREATED);
    assert_eq!(created.body["scheduledDeparture"], Value::Null);
}

#[tokio::test]
async fn passengers_are_added_and_found() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let added = api.add(&flight, " Ada Lovelace ").send().await.expect(StatusCode::CREATED);
    let expected = json!({"id": added.id(), "flightId": flight, "name": "Ada Lovelace", "status": "checkedIn"});
    assert_eq!(added.body, expected);
    assert_created(&api, &added, "/api/passengers").await;
    api.add(&flight, &"é".repeat(100)).send().await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let api = System::shared().await.api();
    let unknown = unknown_id();
    for id in [unknown.as_str(), "1", "not-a-uuid", "%00", "%ff", &"x".repeat(500), &unknown.replace('-', "")] {
        let flight = format!("/api/flights/{id}");
        api.get(&flight).send().await.expect_problem(404, "flight-not-found");
        api.put(&flight).json(&flight_details()).send().await.expect_problem(404, "flight-not-found");
        api.delete_flight(id).send().await.expect_problem(404, "flight-not-found");
        api.disembark(id).send().await.expect_problem(404, "flight-not-found");
        api.land(id).send().await.expect_problem(404, "flight-not-found");
        api.get(&format!("/api/passengers/{id}")).send().await.expect_problem(404, "passenger-not-found");
        api.rename(id, "Nobody").send().await.expect_problem(404, "passenger-not-found");
        api.board(id).send().await.expect_problem(404, "passenger-not-found");
        api.offload(id).send().await.expect_problem(404, "passenger-not-found");
        api.get(&format!("/api/manifests/{id}")).send().await.expect_problem(404, "manifest-not-found");
    }
    api.add(&unknown, "Nobody").send().await.expect_problem(404, "flight-not-found");
    let passengers = api.get(&format!("/api/passengers?flightId={unknown}")).send().await.expect(StatusCode::OK);
    assert_eq!(passengers.body, json!({"items": [], "next": null}));
}

#[tokio::test]
async fn a_manifest_shows_its_passengers() {
    let api = System::shared().await.api();
    let created = api.create_flight().send().await.expect(StatusCode::CREATED);
    let flight = created.id();
    let path = format!("/api/manifests/{flight}");
    let empty = api.get(&path).position(&created.position()).send().await.expect(StatusCode::OK);
    let none = json!({"checkedIn": 0, "boarded": 0, "arrived": 0, "offloaded": 0});
    assert_eq!(
        empty.body,
        json!({
            "flightId": flight, "state": "open", "counts": none, "missing": [], "passengers": [], "passengersNext": null,
        })
    );

    let boarded = api.new_boarded(&flight).await;
    let added = api.add(&flight, "Grace Hopper").send().await.expect(StatusCode::CREATED);
    let found = api.get(&path).position(&added.position()).send().await.expect(StatusCode::OK);
    assert_eq!(found.body["counts"]["boarded"], 1);
    assert_eq!(found.body["counts"]["checkedIn"], 1);
    assert_eq!(found.body["missing"], json!([{"id": added.id(), "name": "Grace Hopper"}]));
    let expected = json!([
        {"id": boarded, "flightId": flight, "name": "Ada Lovelace", "status": "boarded"},
        added.body,
    ]);
    assert_eq!(found.body["passengers"], expected);

    // Nobody is listed for whom nobody was ever added.
    let manifests = api.walk("/api/manifests?state=open", 1000, &added.position()).await;
    let listed = manifests.iter().find(|manifest| manifest["flightId"] == flight.as_str()).unwrap();
    assert_eq!(listed["missing"], found.body["missing"]);
    assert!(listed.get("passengers").is_none(), "{listed}");
}

/// A refused departure names the first fifty.
#[tokio::test]
async fn many_missing_passengers_are_counted_and_the_first_fifty_named() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let mut passengers = Vec::new();
    for number in 0..53 {
        passengers.push(api.add(&flight, &format!("Passenger {number}")).send().await.id());
    }
    let refused = api.disembark(&flight).send().await.expect_problem(409, "not-all-boarded");
    assert_eq!(refused.body["missing"], 53);
    let named: Vec<_> = refused.body["passengers"].as_array().unwrap().iter().map(|named| &named["id"]).collect();
    assert_eq!(named, passengers[..50].iter().collect::<Vec<_>>());
    let path = format!("/api/manifests/{flight}");
    let manifest = api.get(&path).position(&refused.position()).send().await.expect(StatusCode::OK);
    assert_eq!(manifest.body["counts"]["checkedIn"], 53);
    assert_eq!(manifest.body["missing"], refused.body["passengers"]);
    assert_eq!(manifest.body["passengers"].as_array().unwrap().len(), 53);
}

#[tokio::test]
async fn etags_are_the_numbers_of_the_last_events() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let passenger = api.new_boarded(&flight).await;
    api.rename(&passenger, "Somebody Else").send().await.expect(StatusCode::OK);
    let (history, world) = History::settled_for(&api, &flight).await;
    let etag = async |path: String| {
        let answer = api.get(&path).position(&history.position).send().await;
        answer.expect(StatusCode::OK).etag()
    };
    assert_eq!(etag(format!("/api/flights/{flight}")).await, world.flight_etag(&flight));
    assert_eq!(etag(format!("/api/passengers/{passenger}")).await, world.passenger_etag(&passenger));
    assert_eq!(etag(format!("/api/manifests/{flight}")).await, world.manifest_etag(&flight));
}
