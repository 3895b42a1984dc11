//! An event store that is emptied while the API runs.

use std::time::Duration;

use jetbridge_testing::{eventually, flight_details};
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{Tables, TestApi};

const LIMIT: Duration = Duration::from_secs(30);

async fn event_store_check(api: &TestApi) -> Value {
    let health = api.get("/health/ready").send().await.body;
    let checks = health["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == "event-store").unwrap().clone()
}

#[tokio::test]
async fn another_history_is_said_in_health_and_decided_on() {
    let tables = Tables::create().await;
    let mut api = TestApi::start(&tables).await;
    let create = |api: &TestApi| api.create_flight();
    let of_before = create(&api).send_once_available().await.expect(StatusCode::CREATED);
    assert_eq!(event_store_check(&api).await["detail"], Value::Null);

    api.empty_store().await;
    let check = eventually("it is noticed", LIMIT, async || {
        let check = event_store_check(&api).await;
        if check["status"] == "degraded" { Ok(check) } else { Err(check) }
    })
    .await;
    assert!(check["detail"].as_str().unwrap().starts_with("other-history: "), "{check}");
    let details = flight_details();
    let gone = api.put(&format!("/api/flights/{}", of_before.id())).json(&details).send().await;
    gone.expect_problem(404, "flight-not-found");
    let first = create(&api).send_once_available().await.expect(StatusCode::CREATED);
    assert_eq!(first.etag(), of_before.etag());
}
