//! What is answered about things of which an event could not be processed.

use eventstore::{AppendToStreamOptions, Client, EventData};
use jetbridge_testing::{Api, TestEventStore, eventually};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::system::{LIMIT, System, program, run_command};

/// Appends an event about these things whose metadata does not say what its data means.
async fn append(store: &TestEventStore, stream: &str, event_type: &str, data: &Value) {
    let client = Client::new(store.connection_string().parse().unwrap()).unwrap();
    let event = EventData::binary(event_type, data.to_string().into_bytes().into());
    client.append_to_stream(stream, &AppendToStreamOptions::default(), event).await.unwrap();
}

/// The position that covers all that has happened.
async fn position(api: &Api) -> String {
    api.get("/api/auditlog/all?order=newestFirst&limit=1").send().await.expect(StatusCode::OK).position()
}

async fn is_parked(api: &Api, total: usize) {
    eventually(&format!("{total} are parked"), LIMIT, async || {
        let parked = api.get("/api/admin/parked").send().await.expect(StatusCode::OK).body;
        if parked["total"] == total { Ok(()) } else { Err(parked.to_string()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_answered_from_behind_a_parked_event() {
    let store = TestEventStore::start().await;
    let system = System::start_with(&["--event-store", store.connection_string()]).await;
    let api = system.api();
    let (flight, other) = (api.new_flight().await, api.new_flight().await);
    let (passenger, unharmed) = (api.new_boarded(&flight).await, api.new_passenger(&other).await);
    append(&store, "flight-stream", "FlightLanded", &json!({"flightId": flight})).await;
    append(&store, "passenger-stream", "PassengerArrived", &json!({"flightId": flight, "passengerId": passenger}))
        .await;
    // Each by the projection and by the reactions of its domain.
    is_parked(&api, 4).await;
    let position = position(&api).await;
    for (path, stream) in [
        (format!("/api/flights/{flight}"), "flight-stream"),
        (format!("/api/passengers/{passenger}"), "passenger-stream"),
        (format!("/api/manifests/{flight}"), "passenger-stream"),
    ] {
        let problem = api.get(&path).position(&position).send().await.expect_problem(503, "parked");
        assert_eq!(problem.body["stream"], stream);
        assert!(problem.body["eventNumber"].is_number(), "{}", problem.text);
        // Without a position it is shown as it is.
        api.get(&path).send().await.expect(StatusCode::OK);
    }
    for path in [format!("/api/flights/{other}"), format!("/api/passengers/{unharmed}")] {
        api.get(&path).position(&position).send().await.expect(StatusCode::OK);
    }

    let mut diagnose = program();
    diagnose.args(["diagnose", "--server", system.url()]);
    let diagnosis = run_command(diagnose).await;
    assert_eq!(diagnosis.status.code(), Some(1), "{}", diagnosis.stderr);
    let told = &diagnosis.stdout;
    assert!(told.starts_with("Wrong:") && told.contains("parked events: 4") && told.contains("replay"), "{told}");

    // Once it is taken out, it holds up nobody.
    let parked = api.found("/api/admin/parked").await;
    for event in parked["items"].as_array().unwrap() {
        let path = format!("/api/admin/parked/{}/discard", event["eventId"].as_str().unwrap());
        let answer = api.post(&path).json(&json!({"reason": "a test"})).send().await;
        assert!([StatusCode::OK, StatusCode::NOT_FOUND].contains(&answer.status), "{answer:?}");
    }
    is_parked(&api, 0).await;
    api.get(&format!("/api/flights/{flight}")).position(&position).send().await.expect(StatusCode::OK);
}
