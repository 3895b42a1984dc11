use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::routing::{any, get};
use gateway::Limits;
use http::StatusCode;
use reqwest::Client;
use serde_json::{Value, json};
use shared_service::health::{Checks, Trouble, routes};
use shared_service::{Routes, ServiceTokens};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    expect_problem, gateway, gateway_of, gateway_with, listener, nobody, serve, serve_to_the_gateway, services_at,
    short_limits,
};

#[tokio::test]
async fn a_service_that_is_down_is_unavailable() {
    let gateway = gateway(nobody().await).await;
    for request in [
        Client::new().get(gateway.url("/api/flights")),
        Client::new().post(gateway.url("/api/flights")).body("{}"),
        Client::new().delete(gateway.url("/api/flights/1")),
    ] {
        let headers = expect_problem(request, 503, "unavailable").await;
        assert_eq!(headers["retry-after"], "1");
    }
}

/// Whoever asks is known, and is not told that they are not.
#[tokio::test]
async fn a_service_that_does_not_know_the_gateway_is_unavailable() {
    let service = serve(Router::new().fallback(any(async || StatusCode::UNAUTHORIZED))).await;
    let gateway = gateway(service.address()).await;
    expect_problem(Client::new().get(gateway.url("/api/flights")), 503, "unavailable").await;
    expect_problem(Client::new().delete(gateway.url("/api/flights/1")), 503, "unavailable").await;
}

#[tokio::test]
async fn a_service_that_hangs_takes_too_long() {
    let service = serve(Router::new().fallback(any(std::future::pending::<()>))).await;
    let gateway = gateway_with(service.address(), short_limits()).await;
    expect_problem(Client::new().get(gateway.url("/api/flights")), 504, "gateway-timeout").await;
    expect_problem(Client::new().post(gateway.url("/api/flights")).body("{}"), 504, "outcome-unknown").await;
    expect_problem(Client::new().delete(gateway.url("/api/flights/1")), 504, "outcome-unknown").await;
}

/// A service that reads each request, up to the end of `until`, and then answers with these bytes and hangs up.
async fn rude(until: &'static str, answer: &'static [u8]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_until(&mut stream, until).await;
            counter.fetch_add(1, Ordering::SeqCst);
            stream.write_all(answer).await.unwrap();
        }
    });
    (address, requests)
}

async fn read_until(stream: &mut TcpStream, end: &str) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(end.as_bytes()) && stream.read(&mut byte).await.unwrap() == 1 {
        request.push(byte[0]);
    }
}

#[tokio::test]
async fn a_connection_cut_before_the_answer_leaves_a_command_unknown() {
    let (service, requests) = rude("{}", b"").await;
    let gateway = gateway(service).await;
    expect_problem(Client::new().post(gateway.url("/api/flights")).body("{}"), 504, "outcome-unknown").await;
    assert_eq!(requests.load(Ordering::SeqCst), 1, "a command is not repeated");
}

#[tokio::test]
async fn a_connection_cut_before_the_answer_lets_a_query_be_asked_once_more() {
    let (service, requests) = rude("\r\n\r\n", b"").await;
    let gateway = gateway(service).await;
    expect_problem(Client::new().get(gateway.url("/api/flights")), 502, "bad-gateway").await;
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_bad() {
    let (service, _) = rude("\r\n\r\n", b"SSH-2.0-OpenSSH\r\n\r\n").await;
    let gateway = gateway(service).await;
    expect_problem(Client::new().get(gateway.url("/api/flights")), 502, "bad-gateway").await;
    expect_problem(Client::new().delete(gateway.url("/api/flights/1")), 504, "outcome-unknown").await;
}

#[tokio::test]
async fn an_answer_cut_in_the_middle_does_not_look_complete() {
    let (service, _) = rude("\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"items\":").await;
    let gateway = gateway(service).await;
    let answer = reqwest::get(gateway.url("/api/flights")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn a_service_that_hung_up_while_idle_is_asked_again() {
    let (service, requests) = rude("\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let gateway = gateway(service).await;
    for expected in 1..=20 {
        let request = Client::new().get(gateway.url("/api/flights"));
        assert_eq!(request.send().await.unwrap().text().await.unwrap(), "ok");
        assert_eq!(requests.load(Ordering::SeqCst), expected);
    }
}

#[tokio::test]
async fn a_service_that_comes_back_is_used_again() {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gateway = gateway(address).await;
    expect_problem(Client::new().get(gateway.url("/api/flights")), 503, "unavailable").await;
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let router = Router::new().route("/api/flights", get(|| async { "back" }));
    let shutdown = tokio_util::sync::CancellationToken::new();
    let _guard = shutdown.clone().drop_guard();
    tokio::spawn(shared_service::serve(listener, router, shutdown));
    assert_eq!(reqwest::get(gateway.url("/api/flights")).await.unwrap().text().await.unwrap(), "back");
}

#[tokio::test]
async fn the_overview_names_what_is_down() {
    let good = serve_to_the_gateway(routes(Checks::new().with("postgresql", || async { Ok(None) }))).await;
    let bad = serve_to_the_gateway(routes(
        Checks::new().with("event store", || async { Err(Trouble::Down("is away".to_owned())) }),
    ))
    .await;
    let hung = serve(Router::new().fallback(any(std::future::pending::<()>))).await;
    let strange = serve(Router::new().fallback(|| async { "hello" })).await;
    let apis = [good.address(), bad.address(), nobody().await];
    let services = services_at(apis, [Some(hung.address()), Some(strange.address())]);
    let gateway = gateway_of(services, Limits::default()).await;
    let answer = reqwest::get(gateway.url("/api/health")).await.unwrap();
    assert_eq!(answer.status(), 200, "some of it works");
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({ "status": "degraded", "reasons": [
            "passenger-api: event store: is away",
            "auditlog-api: cannot be reached",
            "flight-processor: no answer within 1 s",
            "passenger-processor: does not say how it is",
        ], "services": [
            { "name": "flight-api", "status": "up", "checks": [{ "name": "postgresql", "status": "up" }] },
            { "name": "passenger-api", "status": "down",
              "checks": [{ "name": "event store", "status": "down", "detail": "is away" }] },
            { "name": "auditlog-api", "status": "down", "detail": "cannot be reached" },
            { "name": "flight-processor", "status": "down", "detail": "no answer within 1 s" },
            { "name": "passenger-processor", "status": "down", "detail": "does not say how it is" },
        ]})
    );
}

#[tokio::test]
async fn the_overview_says_that_a_service_needs_to_know_its_name() {
    let service = serve(Router::new().fallback(any(|| async { StatusCode::MISDIRECTED_REQUEST }))).await;
    let answer = reqwest::get(gateway(service.address()).await.url("/api/health")).await.unwrap();
    let detail = answer.json::<Value>().await.unwrap()["services"][0]["detail"].to_string();
    assert!(detail.contains("--public-host"), "{detail}");
}

#[tokio::test]
async fn the_overview_says_that_a_service_has_another_token() {
    let other = serve(ServiceTokens::random().guard(routes(Checks::new()))).await;
    let answer = reqwest::get(gateway(other.address()).await.url("/api/health")).await.unwrap();
    let detail = answer.json::<Value>().await.unwrap()["services"][0]["detail"].to_string();
    assert!(detail.contains("--service-token-file"), "{detail}");
}

#[tokio::test]
async fn the_overview_is_up_or_down_as_a_whole() {
    let service = serve_to_the_gateway(routes(Checks::new())).await;
    let answer = reqwest::get(gateway(service.address()).await.url("/api/health")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], "up");
    let answer = reqwest::get(gateway(nobody().await).await.url("/api/health")).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], "down");
}

/// Without the event store queries are answered, and without PostgreSQL commands.
#[tokio::test]
async fn it_is_no_outage_as_long_as_one_of_two_things_is_there() {
    let away = || async { Err(Trouble::Down("is away".to_owned())) };
    let without_one = Checks::new().with("event-store", away).with("postgresql", || async { Ok(None) });
    let without_any = Checks::new().with("event-store", away).with("postgresql", away);
    for (checks, code, status) in [(without_one, 200, "degraded"), (without_any, 503, "down")] {
        let service = serve_to_the_gateway(routes(checks)).await;
        let answer = reqwest::get(gateway(service.address()).await.url("/api/health")).await.unwrap();
        assert_eq!(answer.status(), code);
        let overview = answer.json::<Value>().await.unwrap();
        assert_eq!((&overview["status"], &overview["services"][0]["status"]), (&json!(status), &json!("down")));
    }
}

#[tokio::test]
async fn what_has_to_be_looked_after_is_in_the_overview_and_no_outage() {
    let behind = || async { Err(Trouble::Degraded("2 events are parked".to_owned())) };
    let (good, degraded) = tokio::join!(
        serve_to_the_gateway(routes(Checks::new())),
        serve_to_the_gateway(routes(Checks::new().with("flight-projection", behind)))
    );
    let services = services_at([good.address(); 3], [Some(degraded.address()), Some(good.address())]);
    let answer = reqwest::get(gateway_of(services, Limits::default()).await.url("/api/health")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let health: Value = answer.json().await.unwrap();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["reasons"], json!(["flight-processor: flight-projection: 2 events are parked"]));
}

/// What one service answers to `GET /health/ready` once `ready` says so.
fn ready_when(ready: &Arc<AtomicBool>) -> Routes {
    let ready = Arc::clone(ready);
    routes(Checks::new().with("event-store", move || {
        let is_ready = ready.load(Ordering::Relaxed);
        async move { if is_ready { Ok(None) } else { Err(Trouble::Down("it was not asked yet".to_owned())) } }
    }))
}

#[tokio::test]
async fn the_gateway_is_ready_once_every_api_is_and_as_long_as_one_of_them_is() {
    let ready = Arc::new(AtomicBool::new(false));
    let (good, late) =
        tokio::join!(serve_to_the_gateway(routes(Checks::new())), serve_to_the_gateway(ready_when(&ready)));
    let apis = [good.address(), late.address(), good.address()];
    let gateway = gateway_of(services_at(apis, [Some(nobody().await), None]), Limits::default()).await;
    let state = async || {
        let answer = reqwest::get(gateway.url("/health/ready")).await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["checks"][0]["detail"].clone())
    };
    let reason = json!("passenger-api: event-store: it was not asked yet");
    assert_eq!(state().await, (503, reason.clone()));
    ready.store(true, Ordering::Relaxed);
    assert_eq!(state().await, (200, Value::Null), "the processors only show how they are");
    ready.store(false, Ordering::Relaxed);
    assert_eq!(state().await, (200, reason));
}
