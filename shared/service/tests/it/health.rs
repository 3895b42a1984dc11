use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shared_service::Caller;
use shared_service::health::{Checks, Trouble, routes};
use tower::ServiceExt;

async fn get(checks: Checks, path: &str) -> (StatusCode, Value) {
    let app: Router = routes(checks).into_router();
    let request = Request::get(path).extension(Caller::Service).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn ready_if_all_checks_are() {
    let checks = Checks::new().with("a", || async { Ok(None) }).with("b", || async { Ok(Some("fine".to_owned())) });
    let expected = json!({ "status": "up", "checks": [
        { "name": "a", "status": "up" },
        { "name": "b", "status": "up", "detail": "fine" },
    ]});
    assert_eq!(get(checks, "/health/ready").await, (StatusCode::OK, expected));
}

fn down() -> Trouble {
    Trouble::Down("cannot be reached".to_owned())
}

fn degraded() -> Trouble {
    Trouble::Degraded("has fallen behind".to_owned())
}

#[tokio::test]
async fn ready_but_degraded_if_somebody_has_to_look_after_it() {
    let checks = Checks::new().with("a", || async { Ok(None) }).with("b", || async { Err(degraded()) });
    let expected = json!({ "status": "degraded", "checks": [
        { "name": "a", "status": "up" },
        { "name": "b", "status": "degraded", "detail": "has fallen behind" },
    ]});
    assert_eq!(get(checks, "/health/ready").await, (StatusCode::OK, expected));
}

#[tokio::test]
async fn not_ready_if_one_check_is_not_but_alive() {
    let checks = Checks::new()
        .with("a", || async { Ok(None) })
        .with("b", || async { Err(down()) })
        .with("c", || async { Err(degraded()) });
    let expected = json!({ "status": "down", "checks": [
        { "name": "a", "status": "up" },
        { "name": "b", "status": "down", "detail": "cannot be reached" },
        { "name": "c", "status": "degraded", "detail": "has fallen behind" },
    ]});
    assert_eq!(get(checks.clone(), "/health/ready").await, (StatusCode::SERVICE_UNAVAILABLE, expected));
    assert_eq!(get(checks, "/health/live").await.0, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_is_down() {
    let started = Instant::now();
    let checks = Checks::new().with("hung", std::future::pending);
    let (status, body) = get(checks, "/health/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["checks"][0]["detail"], "no answer within 2 s");
    assert!(started.elapsed() < Duration::from_secs(2), "the clock is paused");
}
