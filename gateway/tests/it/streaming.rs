use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures::{Stream, StreamExt};
use http::header;
use tokio::sync::mpsc;

use crate::support::{LIMIT, gateway_with, serve, short_limits};

/// A service whose answer consists of what is sent into the channel.
fn streaming(content_type: &'static str) -> (mpsc::Sender<&'static str>, Router) {
    let (sender, receiver) = mpsc::channel(8);
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let handler = move || {
        let receiver = receiver.lock().unwrap().take().unwrap();
        async move { ([(header::CONTENT_TYPE, content_type)], Body::from_stream(chunks(receiver))) }
    };
    (sender, Router::new().route("/api/auditlog/events", get(handler)))
}

fn chunks(receiver: mpsc::Receiver<&'static str>) -> impl Stream<Item = Result<Bytes, Infallible>> {
    futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|text| (Ok(Bytes::from_static(text.as_bytes())), receiver))
    })
}

#[tokio::test]
async fn events_arrive_before_the_stream_ends() {
    let (events, router) = streaming("text/event-stream");
    let service = serve(router).await;
    let gateway = gateway_with(service.address, short_limits()).await;
    let mut answer = reqwest::get(gateway.url("/api/auditlog/events")).await.unwrap().bytes_stream();
    for event in ["id: 1\ndata: {}\n\n", "id: 2\ndata: {}\n\n"] {
        events.send(event).await.unwrap();
        let chunk = tokio::time::timeout(LIMIT, answer.next()).await.expect("not buffered").unwrap().unwrap();
        assert_eq!(chunk, event);
    }
    // Longer than anything else may take or pause.
    let quiet = tokio::time::timeout(Duration::from_millis(900), answer.next()).await;
    assert!(quiet.is_err(), "a quiet stream stays open");
    events.send(": still here\n\n").await.unwrap();
    assert_eq!(tokio::time::timeout(LIMIT, answer.next()).await.unwrap().unwrap().unwrap(), ": still here\n\n");
    drop(events);
    assert!(tokio::time::timeout(LIMIT, answer.next()).await.unwrap().is_none(), "the end is passed on");
}

#[tokio::test]
async fn the_service_notices_that_the_client_has_gone() {
    let (events, router) = streaming("text/event-stream");
    let service = serve(router).await;
    let gateway = gateway_with(service.address, short_limits()).await;
    let mut answer = reqwest::get(gateway.url("/api/auditlog/events")).await.unwrap().bytes_stream();
    events.send("data: 1\n\n").await.unwrap();
    answer.next().await.unwrap().unwrap();
    drop(answer);
    tokio::time::timeout(LIMIT, events.closed()).await.expect("the stream is given up");
}

#[tokio::test]
async fn streams_end_when_the_gateway_stops() {
    let (events, router) = streaming("text/event-stream");
    let service = serve(router).await;
    let gateway = gateway_with(service.address, short_limits()).await;
    let mut answer = reqwest::get(gateway.url("/api/auditlog/events")).await.unwrap().bytes_stream();
    events.send("data: 1\n\n").await.unwrap();
    answer.next().await.unwrap().unwrap();
    gateway.stop();
    assert!(tokio::time::timeout(LIMIT, answer.next()).await.unwrap().is_none());
}

#[tokio::test]
async fn other_answers_may_not_pause_for_ever() {
    let (parts, router) = streaming("application/json");
    let service = serve(router).await;
    let gateway = gateway_with(service.address, short_limits()).await;
    let mut answer = reqwest::get(gateway.url("/api/auditlog/events")).await.unwrap().bytes_stream();
    parts.send("{").await.unwrap();
    answer.next().await.unwrap().unwrap();
    let end = tokio::time::timeout(LIMIT, answer.next()).await.expect("it is broken off");
    assert!(end.unwrap().is_err(), "and does not look complete");
}
