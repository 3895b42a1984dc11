use jetbridge_testing::{eventually, http};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use crate::system::{LIMIT, System};

/// A flight that was created, and where its events are.
struct Created {
    flight: Value,
    position: HeaderValue,
}

async fn create_flight(system: &System) -> Created {
    let flight = json!({"flightNumber": "JB 1", "origin": "HAM", "destination": "OSL"});
    let response = http().post(system.at("/api/flights")).json(&flight).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let position = response.headers()["Jetbridge-Position"].clone();
    let flight = response.json().await.unwrap();
    Created { flight, position }
}

/// Asks the read model, and then the stream, by correcting the flight with what it has.
async fn assert_kept(system: &System, created: &Created) {
    let url = system.at(&format!("/api/flights/{}", created.flight["id"].as_str().unwrap()));
    let response = eventually("the read model has caught up", LIMIT, async || {
        let request = http().get(&url).header("Jetbridge-Position", &created.position);
        let response = request.send().await.unwrap();
        (response.status() != 503).then_some(response)
    })
    .await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap(), created.flight);
    let details = json!({"flightNumber": "JB 1", "origin": "HAM", "destination": "OSL"});
    let response = http().put(&url).json(&details).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let mut system = System::start().await;
    let postgres = system.postgres();
    let flight = create_flight(&system).await;

    system.kill().await;
    eventually("PostgreSQL is gone", LIMIT, async || !postgres.is_running()).await;
    system.restart().await;
    assert_kept(&system, &flight).await;

    // At once, with PostgreSQL maybe still stopping.
    let second = create_flight(&system).await;
    system.restart().await;
    assert_kept(&system, &flight).await;
    assert_kept(&system, &second).await;
}

#[tokio::test]
async fn it_can_be_stopped_and_started_again() {
    let mut system = System::start().await;
    let flight = create_flight(&system).await;
    let ended = system.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    system.restart().await;
    assert_kept(&system, &flight).await;
}
