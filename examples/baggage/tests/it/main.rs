//! The program with three domains, used over HTTP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod program;

use std::time::Duration;

use jetbridge_testing::eventually;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use program::Program;

/// How long anything may take that happens soon.
const LIMIT: Duration = Duration::from_secs(20);

async fn created(response: Response) -> (String, String) {
    assert_eq!(response.status(), StatusCode::CREATED);
    let position = response.headers()["jetbridge-position"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    (body["id"].as_str().unwrap().to_owned(), position)
}

#[tokio::test]
async fn a_third_domain_is_served_projected_reacted_to_and_logged() {
    let program = Program::start().await;
    let flight = json!({ "flightNumber": "JB1", "origin": "HAM", "destination": "OSL" });
    let (flight_id, _) = created(program.post("/api/flights", &flight).await).await;
    let (bag, position) = created(program.post("/api/bags", &json!({ "flightId": flight_id })).await).await;
    assert_eq!(position, "b0");

    let shown = program.get_at(&format!("/api/bags/{bag}"), &position).await;
    assert_eq!(shown, json!({ "id": bag, "flightId": flight_id, "status": "checkedIn", "version": 0 }));

    // Nobody has heard of its flight: the reaction leaves it behind.
    let nowhere = json!({ "flightId": Uuid::now_v7() });
    let (late, position) = created(program.post("/api/bags", &nowhere).await).await;
    eventually("the bag is left behind", LIMIT, async || {
        program.get_at(&format!("/api/bags/{late}"), &position).await["status"] == "leftBehind"
    })
    .await;
    assert_eq!(program.get_at(&format!("/api/bags/{bag}"), &position).await["status"], "checkedIn");

    assert_eq!(program.logged("bags").await, ["BagCheckedIn", "BagCheckedIn", "BagLeftBehind"]);
    assert_eq!(program.logged(&format!("all?bagId={late}")).await, ["BagCheckedIn", "BagLeftBehind"]);
    assert_eq!(program.logged(&format!("all?flightId={flight_id}")).await, ["FlightCreated", "BagCheckedIn"]);
    assert_eq!(program.logged("all?order=newestFirst&limit=1").await, ["BagLeftBehind"]);

    let unknown = program.get(&format!("/api/bags/{}", Uuid::now_v7())).await;
    assert_eq!((unknown.0, &unknown.1["type"]), (StatusCode::NOT_FOUND, &json!("/problems/bag-not-found")));
    assert_eq!(program.get("/problems/bag-not-found").await.1["title"], "Bag not found");

    let (status, health) = program.get("/api/health").await;
    let services: Vec<_> = health["services"].as_array().unwrap().iter().map(|service| &service["name"]).collect();
    assert_eq!(status, StatusCode::OK);
    assert!(services.contains(&&json!("baggage-api")) && services.contains(&&json!("baggage-processor")));
}
