use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use http::header;
use jetbridge_testing::TestService;
use shared_service::ServerSettings;
use tokio::sync::mpsc;

use crate::support::{LIMIT, gateway_for, gateway_with, serve, short_limits};

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

/// A client that follows a service through a gateway with short limits.
struct Following {
    /// What is sent here is the answer.
    parts: mpsc::Sender<&'static str>,
    answer: BoxStream<'static, reqwest::Result<Bytes>>,
    gateway: TestService,
    _service: TestService,
}

impl Following {
    async fn start(content_type: &'static str) -> Self {
        let (parts, router) = streaming(content_type);
        let service = serve(router).await;
        let gateway = gateway_with(service.address(), short_limits()).await;
        let answer = reqwest::get(gateway.url("/api/auditlog/events")).await.unwrap();
        Self { parts, answer: answer.bytes_stream().boxed(), gateway, _service: service }
    }

    async fn send(&mut self, part: &'static str) {
        self.parts.send(part).await.unwrap();
        assert_eq!(self.next().await.expect("it goes on").unwrap(), part);
    }

    async fn next(&mut self) -> Option<reqwest::Result<Bytes>> {
        tokio::time::timeout(LIMIT, self.answer.next()).await.expect("it is passed on at once")
    }
}

#[tokio::test]
async fn events_arrive_before_the_stream_ends() {
    let mut following = Following::start("text/event-stream").await;
    for event in ["id: 1\ndata: {}\n\n", "id: 2\ndata: {}\n\n"] {
        following.send(event).await;
    }
    // Longer than anything else may take or pause.
    let quiet = tokio::time::timeout(Duration::from_millis(900), following.answer.next()).await;
    assert!(quiet.is_err(), "a quiet stream stays open");
    following.send(": still here\n\n").await;
    following.parts = mpsc::channel(1).0;
    assert!(following.next().await.is_none(), "the end is passed on");
}

#[tokio::test]
async fn the_service_notices_that_the_client_has_gone() {
    let mut following = Following::start("text/event-stream").await;
    following.send("data: 1\n\n").await;
    drop(following.answer);
    tokio::time::timeout(LIMIT, following.parts.closed()).await.expect("the stream is given up");
}

#[tokio::test]
async fn the_service_notices_that_a_client_has_gone_that_could_have_closed_its_side_only() {
    let (parts, router) = streaming("text/event-stream");
    let service = serve(router).await;
    let settings = ServerSettings { answers_half_closed: true, ..ServerSettings::default() };
    let gateway = gateway_for(settings, service.address()).await;
    let answer = reqwest::get(gateway.url("/api/auditlog/events")).await.unwrap();
    drop(answer);
    let comments = async { while parts.send(": still here\n\n").await.is_ok() {} };
    tokio::time::timeout(LIMIT, comments).await.expect("the stream is given up");
}

#[tokio::test]
async fn streams_end_when_the_gateway_stops() {
    let mut following = Following::start("text/event-stream").await;
    following.send("data: 1\n\n").await;
    let (end, ()) = tokio::join!(following.answer.next(), following.gateway.stop());
    assert!(end.is_none());
}

#[tokio::test]
async fn other_answers_may_not_pause_for_ever() {
    let mut following = Following::start("application/json").await;
    following.send("{").await;
    assert!(following.next().await.expect("it is broken off").is_err(), "and does not look complete");
}
