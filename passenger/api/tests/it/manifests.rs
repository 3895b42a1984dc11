//! What is in a list of manifests, and what a manifest says.

use jetbridge_testing::{at, reversed};
use passenger_contract::FlightEnding::{Deleted, Landed};
use passenger_core::PassengerStatus::{Boarded, CheckedIn};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Tables, TestApi, new_flight};

/// Flights with manifests that are open, sealed, closed, open, and closed since the flight was deleted.
async fn flights(tables: &Tables) -> Vec<String> {
    let flights: Vec<_> = (0..5).map(|_| new_flight()).collect();
    for flight in &flights {
        tables.add(*flight, &[Boarded]).await;
    }
    tables.seal(flights[1]).await;
    tables.close(flights[2], Landed).await;
    tables.close(flights[4], Deleted).await;
    flights.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_list_is_read_from_either_end() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let flights = flights(&tables).await;
    for limit in [1, 3, 4, 5] {
        let found = api.texts(&format!("/api/manifests?limit={limit}&order=newestFirst"), "flightId").await;
        assert_eq!(found, reversed(&flights[..4]), "{limit}");
        assert_eq!(api.texts(&format!("/api/manifests?limit={limit}"), "flightId").await, flights[..4], "{limit}");
    }
    let next = api.found("/api/manifests?limit=1&order=newestFirst").await["next"].as_str().unwrap().to_owned();
    assert_eq!(api.fault(&format!("/api/manifests?after={next}")).await.0, "after");
}

#[tokio::test]
async fn manifests_in_any_of_several_states_are_found() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let flights = flights(&tables).await;
    for limit in [1, 2, 100] {
        let query = format!("/api/manifests?limit={limit}&state=open,sealed");
        assert_eq!(api.texts(&query, "flightId").await, at(&flights, &[0, 1, 3]), "{limit}");
        let found = api.texts(&format!("{query}&order=newestFirst"), "flightId").await;
        assert_eq!(found, at(&flights, &[3, 1, 0]), "{limit}");
    }
    assert_eq!(api.texts("/api/manifests?state=closed", "flightId").await, at(&flights, &[2]));
    assert_eq!(api.texts("/api/manifests?state=closed,open,sealed&limit=1", "flightId").await, flights[..4]);
}

#[tokio::test]
async fn manifests_are_looked_up_by_their_flights() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let flights = flights(&tables).await;
    let ids = [&reversed(&flights)[..], &[Uuid::now_v7().to_string()]].concat().join(",");
    let query = format!("/api/manifests?flightIds={ids}&limit=2");
    assert_eq!(api.texts(&query, "flightId").await, flights[..4]);
    assert_eq!(api.texts(&format!("{query}&order=newestFirst"), "flightId").await, reversed(&flights[..4]));
    assert_eq!(api.texts(&format!("{query}&state=sealed,closed"), "flightId").await, flights[1..3]);
    assert_eq!(api.texts(&format!("/api/manifests?flightIds={}", flights[3]), "flightId").await, flights[3..4]);
}

#[tokio::test]
async fn as_many_are_named_as_missing_as_are_asked_for() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let (crowded, quiet) = (new_flight(), new_flight());
    let crowd = tables.add(crowded, &[CheckedIn; 60]).await;
    let few = tables.add(quiet, &[CheckedIn, Boarded, CheckedIn]).await;
    let few = at(&few, &[0, 2]);
    let named = |manifest: &Value| -> Vec<String> {
        manifest["missing"].as_array().unwrap().iter().map(|who| who["id"].as_str().unwrap().to_owned()).collect()
    };
    for (query, most) in [("", 50), ("missing=50", 50), ("missing=3", 3), ("missing=1", 1), ("missing=0", 0)] {
        let list = api.found(&format!("/api/manifests?{query}")).await;
        assert_eq!(named(&list["items"][0]), crowd[..most], "{query}");
        assert_eq!(named(&list["items"][1]), few[..most.min(2)], "{query}");
        assert_eq!(list["items"][0]["counts"]["checkedIn"], 60, "{query}");
        let one = api.found(&format!("/api/manifests/{crowded}?{query}")).await;
        assert_eq!(named(&one), crowd[..most], "{query}");
        assert_eq!(one["passengers"].as_array().unwrap().len(), 60, "{query}");
    }
    let all_at_once =
        api.found(&format!("/api/manifests?state=open,sealed&flightIds={crowded},{quiet}&missing=1")).await;
    assert_eq!(all_at_once["items"][1]["missing"], json!([{ "id": few[0], "name": format!("{quiet} 0") }]));
    // Parameters that this address has never had are let be, as ever.
    api.found(&format!("/api/manifests/{quiet}?other=1")).await;
}

#[tokio::test]
async fn what_is_not_allowed_is_said() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let flight = new_flight();
    tables.add(flight, &[CheckedIn]).await;
    let numbers = "must be a whole number from 0 to 50";
    for path in ["/api/manifests".to_owned(), format!("/api/manifests/{flight}")] {
        for missing in ["", "51", "-1", "%2B1", "1.0", "all", "99999999999999999999"] {
            let fault = api.fault(&format!("{path}?missing={missing}")).await;
            assert_eq!(fault, ("missing".to_owned(), numbers.to_owned()), "{path} {missing}");
        }
        assert_eq!(api.fault(&format!("{path}?missing=1&missing=1")).await.0, "missing");
    }
    let states = "must be one of open, sealed, closed; separate several with commas";
    for state in ["", "full", "open,", "open,,closed", "Open"] {
        assert_eq!(api.fault(&format!("/api/manifests?state={state}")).await, ("state".to_owned(), states.to_owned()));
    }
    let many = vec![flight.to_string(); 101].join(",");
    let too_many = "must have at most 100 values, but has 101";
    assert_eq!(
        api.fault(&format!("/api/manifests?flightIds={many}")).await,
        ("flightIds".to_owned(), too_many.to_owned())
    );
    assert_eq!(api.fault("/api/manifests?flightIds=1").await.0, "flightIds");
    assert_eq!(api.fault("/api/manifests?order=descending").await.0, "order");
}
