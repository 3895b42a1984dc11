//! Connections that do not speak, or too many of them.

use std::time::{Duration, Instant};

use futures::StreamExt;
use jetbridge_eventstore::{ConnectionLimits, Password};

use crate::bare::{self, Bare, PREFACE};
use crate::frames::write;
use crate::grpc::event_store::client::streams::read_resp::Content;
use crate::grpc::{self, read_req, subscribe_to_all};
use crate::support::{TestServer, within_limit};

const FIRST_REQUEST: Duration = Duration::from_millis(500);

fn limits(change: impl FnOnce(&mut ConnectionLimits)) -> ConnectionLimits {
    let mut limits = ConnectionLimits::default();
    change(&mut limits);
    limits
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_is_closed() {
    let limits = limits(|limits| limits.first_request = FIRST_REQUEST);
    let server = TestServer::start_with(|config| config.limits = limits).await;
    let head = bare::call_head(1, "/event_store.client.gossip.Gossip/Read");
    let greeting = [PREFACE, bare::settings().as_slice()].concat();
    let unfinished_head = [greeting.as_slice(), &head[..head.len() - 1]].concat();
    let begun = Instant::now();
    let silent = async |sent: &[u8]| {
        let mut client = Bare::silent(server.address()).await;
        client.send(sent).await;
        client.ends().await;
        assert!(begun.elapsed() >= FIRST_REQUEST);
    };
    tokio::join!(
        silent(b""),
        silent(&PREFACE[..5]),
        silent(&PREFACE[..23]),
        silent(PREFACE),
        silent(&greeting),
        silent(&unfinished_head),
        silent(b"GET /info HTTP/1.1\r\nHost: 127.0.0.1\r\nWaits: "),
        // To say whether the server is there takes no connection for long.
        silent(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    );
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_that_is_refused_everything_is_closed() {
    let limits = limits(|limits| limits.first_request = FIRST_REQUEST);
    let server = TestServer::start_with(|config| {
        config.limits = limits;
        config.password = Some(Password::random());
    })
    .await;
    let mut client = Bare::connect(server.address()).await;
    client.send(&bare::call_head(1, "/event_store.client.streams.Streams/BatchAppend")).await;
    client.ends().await;
}

#[tokio::test]
async fn a_subscription_may_be_silent_for_long() {
    let limits = limits(|limits| limits.first_request = FIRST_REQUEST);
    let server = TestServer::start_with(|config| config.limits = limits).await;
    let mut client = grpc::client(&server).await;
    let mut events = client.read(read_req(subscribe_to_all(None))).await.expect("a subscription").into_inner();
    while !matches!(
        within_limit(events.next()).await.expect("a frame").expect("no error").content,
        Some(Content::CaughtUp(_))
    ) {}
    for _ in 0..3 {
        Bare::silent(server.address()).await.ends().await;
    }
    write(&server, "s", 1).await;
    let next = within_limit(events.message()).await.expect("a frame").expect("not the end");
    assert!(matches!(next.content, Some(Content::Event(_))), "{next:?}");
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out() {
    let limits = limits(|limits| limits.local = 4);
    let server = TestServer::start_with(|config| config.limits = limits).await;
    let mut speaks = grpc::client(&server).await;
    let mut events = speaks.read(read_req(subscribe_to_all(None))).await.expect("a subscription").into_inner();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(Bare::silent(server.address()).await);
    }
    write(&server, "s", 1).await;
    for client in &mut silent[..16] {
        client.ends().await;
    }
    while !matches!(
        within_limit(events.message()).await.expect("a frame").expect("not the end").content,
        Some(Content::Event(_))
    ) {}
}

#[tokio::test]
async fn more_connections_than_allowed_are_closed_at_once() {
    let limits = limits(|limits| limits.local = 2);
    let server = TestServer::start_with(|config| config.limits = limits).await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut client = grpc::client(&server).await;
        let events = client.read(read_req(subscribe_to_all(None))).await.expect("a subscription").into_inner();
        kept.push((client, events));
    }
    let begun = Instant::now();
    Bare::silent(server.address()).await.ends().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    kept.pop();
    jetbridge_testing::eventually("there is room again", crate::support::LIMIT, async || {
        let endpoint =
            tonic::transport::Endpoint::try_from(format!("http://{}", server.address())).expect("an address");
        let mut client = grpc::event_store::client::gossip::gossip_client::GossipClient::new(endpoint.connect().await?);
        client.read(grpc::event_store::client::Empty {}).await?;
        Ok::<_, Box<dyn std::error::Error>>(())
    })
    .await;
}
