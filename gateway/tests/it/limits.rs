use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use gateway::Limits;
use reqwest::Client;
use tokio::sync::Semaphore;

use crate::support::{LIMIT, expect_problem, gateway_with, nobody, serve};

#[tokio::test]
async fn too_many_requests_from_one_client_have_to_wait() {
    let service = serve(Router::new().fallback(any(|| async { "ok" }))).await;
    let limits = Limits { requests_per_second: NonZeroU32::new(2), ..Limits::default() };
    let gateway = gateway_with(service.address(), limits).await;
    let client = Client::new();
    let mut refused = 0;
    for _ in 0..20 {
        let answer = client.get(gateway.url("/api/flights")).send().await.unwrap();
        match answer.status().as_u16() {
            200 => {}
            429 => {
                refused += 1;
                assert_eq!(answer.headers()["retry-after"], "1");
            }
            other => panic!("status {other}"),
        }
    }
    assert!(refused > 0);
    let refuse_or_answer = client.get(gateway.url("/health/live")).send().await.unwrap();
    assert_eq!(refuse_or_answer.status(), 200, "health is not limited");
}

#[tokio::test]
async fn requests_in_flight_are_limited() {
    let (entered, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let handler = {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        move || {
            let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
            async move {
                entered.add_permits(1);
                let _permit = release.acquire().await.unwrap();
            }
        }
    };
    let service = serve(Router::new().fallback(any(handler))).await;
    let gateway = gateway_with(service.address(), Limits { in_flight: 2, ..Limits::default() }).await;
    let client = Client::new();
    let waiting: Vec<_> = (0..2).map(|_| tokio::spawn(client.get(gateway.url("/api/flights")).send())).collect();
    let _both = tokio::time::timeout(LIMIT, entered.acquire_many(2)).await.unwrap().unwrap();
    let headers = expect_problem(client.get(gateway.url("/api/flights")), 503, "unavailable").await;
    assert_eq!(headers["retry-after"], "1");
    release.add_permits(10);
    for answer in waiting {
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(client.get(gateway.url("/api/flights")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_web_client_is_not_limited() {
    let limits = Limits { requests_per_second: NonZeroU32::new(1), in_flight: 0, ..Limits::default() };
    let gateway = gateway_with(nobody().await, limits).await;
    let client = Client::new();
    expect_problem(client.get(gateway.url("/api/flights")), 503, "unavailable").await;
    expect_problem(client.get(gateway.url("/api/flights")), 429, "too-many-requests").await;
    for path in ["/", "/flights/7", "/assets/dev/main.js", "/problems"].repeat(10) {
        assert_eq!(client.get(gateway.url(path)).send().await.unwrap().status(), 200, "{path}");
    }
}
