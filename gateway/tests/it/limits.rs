use std::convert::Infallible;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use futures::StreamExt;
use gateway::Limits;
use jetbridge_testing::{TestService, eventually};
use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::{LIMIT, expect_problem, gateway_with, nobody, serve};

#[tokio::test]
async fn too_many_requests_from_one_client_have_to_wait() {
    let service = serve(Router::new().fallback(any(|| async { "ok" }))).await;
    let limits = Limits { requests_per_second: Some(2), ..Limits::default() };
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

/// A service that tells of each request, and answers once it may.
async fn waiting() -> (Arc<Semaphore>, Arc<Semaphore>, TestService) {
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
    (entered, release, service)
}

#[tokio::test]
async fn requests_in_flight_are_limited() {
    let (entered, release, service) = waiting().await;
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

/// A client with another address than others have.
fn client_at(last: u8) -> Client {
    Client::builder().local_address(IpAddr::from([127, 0, 0, last])).build().unwrap()
}

#[tokio::test]
async fn one_client_cannot_take_all_places() {
    let (entered, release, service) = waiting().await;
    let limits = Limits { in_flight: 4, in_flight_per_client: Some(2), ..Limits::default() };
    let gateway = gateway_with(service.address(), limits).await;
    let (one, other) = (client_at(2), client_at(3));
    let mut waiting: Vec<_> = (0..2).map(|_| tokio::spawn(one.get(gateway.url("/api/flights")).send())).collect();
    let _both = tokio::time::timeout(LIMIT, entered.acquire_many(2)).await.unwrap().unwrap();
    let headers = expect_problem(one.get(gateway.url("/api/flights")), 429, "too-many-requests").await;
    assert_eq!(headers["retry-after"], "1");
    waiting.push(tokio::spawn(other.get(gateway.url("/api/flights")).send()));
    let _three = tokio::time::timeout(LIMIT, entered.acquire()).await.unwrap().unwrap();
    release.add_permits(10);
    for answer in waiting {
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(one.get(gateway.url("/api/flights")).send().await.unwrap().status(), 200);
}

/// A body of which only the beginning has come.
async fn half_sent(gateway: &TestService, framing: &str, beginning: &str) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head =
        format!("POST /api/flights HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{framing}\r\n\r\n");
    stream.write_all(format!("{head}{beginning}").as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn bodies_that_do_not_come_hinder_nobody() {
    let service = serve(Router::new().fallback(any(|| async { "ok" }))).await;
    let limits = Limits { in_flight: 1, body: Duration::from_secs(2), ..Limits::default() };
    let gateway = gateway_with(service.address(), limits).await;
    let mut waiting = Vec::new();
    for _ in 0..10 {
        waiting.push(half_sent(&gateway, "content-length: 60000", "{").await);
        waiting.push(half_sent(&gateway, "transfer-encoding: chunked", "1\r\n{\r\n").await);
    }
    for _ in 0..5 {
        let answer = Client::new().post(gateway.url("/api/flights")).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    for mut stream in waiting {
        let mut answer = String::new();
        tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("/problems/request-timeout"), "{answer}");
    }
}

#[tokio::test]
async fn bodies_take_only_so_much_room() {
    let service = serve(Router::new().fallback(any(|| async { "ok" }))).await;
    let gateway = gateway_with(service.address(), Limits::default()).await;
    let mut waiting = Vec::new();
    for _ in 0..1024 {
        waiting.push(half_sent(&gateway, "content-length: 65536", "{").await);
    }
    let client = Client::new();
    // Until the last of them has been looked at.
    eventually("the room is taken", LIMIT, async || {
        let answer = client.post(gateway.url("/api/flights")).body("{}").send().await.unwrap();
        (answer.status() == 503).then_some(())
    })
    .await;
    assert_eq!(client.get(gateway.url("/api/flights")).send().await.unwrap().status(), 200, "it has no body");
    drop(waiting);
    eventually("the room is given back", LIMIT, async || {
        let answer = client.post(gateway.url("/api/flights")).body("{}").send().await.unwrap();
        (answer.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_client_has_only_so_many_feeds() {
    let events = || async {
        let never = futures::stream::pending::<Result<String, Infallible>>();
        let first = futures::stream::once(async { Ok("data: 1\n\n".to_owned()) });
        ([("content-type", "text/event-stream")], Body::from_stream(first.chain(never)))
    };
    let service = serve(Router::new().fallback(any(events))).await;
    let limits = Limits { feeds_per_client: Some(2), ..Limits::default() };
    let gateway = gateway_with(service.address(), limits).await;
    let (one, other) = (client_at(2), client_at(3));
    let open = async |client: &Client| client.get(gateway.url("/api/auditlog/events")).send().await.unwrap();
    let (first, second) = (open(&one).await, open(&one).await);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    let headers = expect_problem(one.get(gateway.url("/api/auditlog/events")), 429, "too-many-requests").await;
    assert_eq!(headers["retry-after"], "1");
    let others = open(&other).await;
    assert_eq!(others.status(), 200);
    for (name, value) in [("cache-control", "no-store"), ("cross-origin-resource-policy", "same-origin")] {
        assert_eq!(others.headers()[name], value);
    }
    drop(second);
    eventually("the place is given back", LIMIT, async || (open(&one).await.status() == 200).then_some(())).await;
}

#[tokio::test]
async fn all_clients_together_have_to_wait() {
    let service = serve(Router::new().fallback(any(|| async { "ok" }))).await;
    let limits = Limits { requests_per_second_in_all: NonZeroU32::new(1), ..Limits::default() };
    let gateway = gateway_with(service.address(), limits).await;
    let mut refused = 0;
    for last in 2..12 {
        let answer = client_at(last).get(gateway.url("/api/flights")).send().await.unwrap();
        refused += usize::from(answer.status() == 429);
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn everything_counts_but_what_watches_over_the_process() {
    let limits = Limits { requests_per_second: Some(1), in_flight: 0, ..Limits::default() };
    let gateway = gateway_with(nobody().await, limits).await;
    let client = Client::new();
    expect_problem(client.get(gateway.url("/api/flights")), 503, "unavailable").await;
    for path in ["/", "/flights/7", "/assets/dev/main.js", "/problems", "/api/me", "/api/health", "/nothing"].repeat(3)
    {
        expect_problem(client.get(gateway.url(path)), 429, "too-many-requests").await;
        assert_eq!(client.get(gateway.url("/health/live")).send().await.unwrap().status(), 200);
    }
}
