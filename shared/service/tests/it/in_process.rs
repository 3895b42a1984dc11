use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::uri::Authority;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use shared_service::{Asking, ConnectionLimits, InProcess, ServerSettings};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::listening::{LIMIT, Server, start_with};
use crate::support::app;

const ID: &str = "01890000-0000-7000-8000-000000000001";

fn settings(in_process: &InProcess, limits: ConnectionLimits) -> ServerSettings {
    ServerSettings { in_process: in_process.clone(), limits, ..ServerSettings::default() }
}

fn request(server: &Server, method: Method, path: &str, body: &'static str) -> Request<Body> {
    let request = Request::builder().method(method).uri(server.url(path)).header("x-correlation-id", "one");
    let request = request.header(header::HOST, server.address.to_string());
    request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap()
}

fn place(server: &Server) -> Authority {
    server.address.to_string().parse().unwrap()
}

/// A service, once it has begun to serve.
async fn here(services: &InProcess, server: &Server) -> Asking {
    let place = place(server);
    let asking = async {
        loop {
            match services.to(&place) {
                Some(asking) => return asking,
                None => tokio::task::yield_now().await,
            }
        }
    };
    timeout(LIMIT, asking).await.expect("it serves")
}

/// Status, headers but those of the connection, and body of an answer without one.
async fn without_connection(
    services: &InProcess,
    server: &Server,
    request: Request<Body>,
) -> (StatusCode, HeaderMap, String) {
    let asking = here(services, server).await;
    let (parts, body) = timeout(LIMIT, asking.send(request)).await.expect("an answer in time").into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(body.into()).unwrap())
}

#[tokio::test]
async fn an_answer_without_a_connection_is_the_one_that_comes_over_one() {
    let services = InProcess::default();
    let server = start_with(settings(&services, ConnectionLimits::default()), app()).await;
    let client = reqwest::Client::new();
    for (method, path, body) in [
        (Method::GET, format!("/things/{ID}"), ""),
        (Method::GET, "/things?limit=2".to_owned(), ""),
        (Method::GET, "/nowhere".to_owned(), ""),
        (Method::GET, "/panic".to_owned(), ""),
        (Method::DELETE, "/things".to_owned(), ""),
        (Method::POST, "/things".to_owned(), "{"),
        (Method::POST, "/things".to_owned(), r#"{"name":"x"}"#),
    ] {
        let there = without_connection(&services, &server, request(&server, method.clone(), &path, body)).await;
        let (mut parts, sent) = request(&server, method.clone(), &path, body).into_parts();
        parts.headers.remove(header::HOST);
        let sent = sent.collect().await.unwrap().to_bytes();
        let answer = client.request(method, server.url(&path)).headers(parts.headers).body(sent);
        let answer = answer.send().await.unwrap();
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        // What the connection adds.
        headers.remove(header::DATE);
        headers.remove(header::CONTENT_LENGTH);
        let mut found = there.1;
        found.remove(header::CONTENT_LENGTH);
        assert_eq!((there.0, found, there.2), (status, headers, answer.text().await.unwrap()), "{path}");
    }
    let mut foreign = request(&server, Method::GET, "/things", "");
    foreign.headers_mut().insert(header::HOST, "evil.test".parse().unwrap());
    let (status, ..) = without_connection(&services, &server, foreign).await;
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
    server.stop().await;
}

#[tokio::test]
async fn requests_without_a_connection_are_limited_and_waited_for() {
    let (services, go_on, has_begun) = (InProcess::default(), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = {
        let (go_on, has_begun) = (Arc::clone(&go_on), Arc::clone(&has_begun));
        async move || {
            has_begun.notify_one();
            go_on.notified().await;
            "done"
        }
    };
    let limits = ConnectionLimits { connections: 1, ..ConnectionLimits::default() };
    let server = start_with(settings(&services, limits), Router::new().route("/wait", get(wait))).await;
    let place = place(&server);
    let asking = here(&services, &server).await;
    let answer = tokio::spawn(asking.send(request(&server, Method::GET, "/wait", "")));
    timeout(LIMIT, has_begun.notified()).await.unwrap();

    let (status, _, body) = without_connection(&services, &server, request(&server, Method::GET, "/wait", "")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "there is one place: {body}");

    server.shutdown.cancel();
    let mut ending = server.task;
    let is_gone = async {
        while services.to(&place).is_some() {
            tokio::task::yield_now().await
        }
    };
    timeout(LIMIT, is_gone).await.expect("nobody else comes");
    assert!(!ending.is_finished(), "somebody is being answered");
    go_on.notify_one();
    let body = timeout(LIMIT, answer).await.unwrap().unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "done");
    timeout(LIMIT, &mut ending).await.unwrap().unwrap();
}
