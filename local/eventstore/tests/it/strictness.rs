//! What hurts in strict mode, as it does with EventStoreDB 24.6.0.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tonic::Streaming;
use uuid::Uuid;

use crate::frames::{count, write};
use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::streams::batch_append_req::options::ExpectedStreamPosition;
use crate::grpc::event_store::client::streams::batch_append_resp::Result as BatchResult;
use crate::grpc::event_store::client::streams::read_resp::Content;
use crate::grpc::event_store::client::streams::{BatchAppendReq, BatchAppendResp};
use crate::grpc::{self, batch, proposed, read_req, read_stream, subscribe_to_all};
use crate::support::{TestServer, within_limit};

/// How long to look whether something that must not happen does.
const MOMENT: Duration = Duration::from_millis(300);

fn append(stream: &str) -> BatchAppendReq {
    batch(Uuid::new_v4(), stream, ExpectedStreamPosition::Any(Empty {}), vec![proposed(b"{}")])
}

fn refused(stream: &str) -> BatchAppendReq {
    batch(Uuid::new_v4(), stream, ExpectedStreamPosition::StreamPosition(77), vec![proposed(b"{}")])
}

/// The settings that a server begins an HTTP/2 connection with, by their numbers.
async fn http2_settings(server: &TestServer) -> HashMap<u16, u32> {
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    let empty_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &empty_settings].concat();
    stream.write_all(&preface).await.expect("sent");
    let mut header = [0; 9];
    within_limit(stream.read_exact(&mut header)).await.expect("a frame");
    assert_eq!(header[3], 4, "settings come first");
    let mut settings = vec![0; usize::from(header[2])];
    within_limit(stream.read_exact(&mut settings)).await.expect("settings");
    let setting = |bytes: &[u8]| {
        let number = u16::from_be_bytes(bytes[..2].try_into().expect("two bytes"));
        (number, u32::from_be_bytes(bytes[2..].try_into().expect("four bytes")))
    };
    settings.chunks(6).map(setting).collect()
}

#[tokio::test]
async fn a_connection_has_the_limits_of_the_original() {
    const MAX_CONCURRENT_STREAMS: u16 = 3;
    const INITIAL_WINDOW_SIZE: u16 = 4;
    const MAX_HEADER_LIST_SIZE: u16 = 6;
    let server = TestServer::start().await;
    let settings = http2_settings(&server).await;
    assert_eq!(settings[&MAX_CONCURRENT_STREAMS], 100);
    assert_eq!(settings[&INITIAL_WINDOW_SIZE], 786_432);
    assert_eq!(settings[&MAX_HEADER_LIST_SIZE], 32_768);
}

/// No more calls than are held have room on the connection: one more waits, until one of them is dropped.
async fn assert_one_too_many<T>(client: &grpc::Client, held: &mut Vec<T>) {
    let mut other = client.clone();
    let mut read = Box::pin(other.read(read_req(read_stream("s", 0, 1))));
    assert!(timeout(MOMENT, &mut read).await.is_err(), "it is over the limit");
    held.pop();
    within_limit(read).await.expect("there is room for it now");
}

#[tokio::test]
async fn the_hundred_and_first_call_waits_unseen() {
    let server = TestServer::start().await;
    let client = grpc::client(&server).await;
    let mut subscriptions = Vec::new();
    for _ in 0..100 {
        let request = read_req(subscribe_to_all(None));
        subscriptions.push(within_limit(client.clone().read(request)).await.expect("a subscription"));
    }
    assert_one_too_many(&client, &mut subscriptions).await;
}

#[tokio::test]
async fn a_session_begins_with_its_first_answer() {
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let silent = timeout(MOMENT, client.batch_append(futures::stream::pending())).await;
    assert!(silent.is_err(), "{silent:?}");
    let requests = futures::stream::iter([append("s")]).chain(futures::stream::pending());
    within_limit(client.batch_append(requests)).await.expect("a session");
}

/// A session whose only write was refused, and that the client has closed since.
async fn refused_and_closed(client: &mut grpc::Client) -> Streaming<BatchAppendResp> {
    let (close, closed) = oneshot::channel::<()>();
    let end = futures::stream::once(closed).filter_map(|_| async { None });
    let requests = futures::stream::iter([refused("s")]).chain(end);
    let mut responses = within_limit(client.batch_append(requests)).await.expect("a session").into_inner();
    within_limit(responses.message()).await.expect("a response").expect("not the end");
    close.send(()).expect("the session is open");
    responses
}

#[tokio::test]
async fn a_session_that_is_closed_with_nothing_under_way_never_ends() {
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let mut responses = refused_and_closed(&mut client).await;
    let end = timeout(MOMENT, responses.message()).await;
    assert!(end.is_err(), "{end:?}");
}

#[tokio::test]
async fn refused_sessions_use_up_the_calls_of_a_connection() {
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let mut sessions = Vec::new();
    for _ in 0..100 {
        sessions.push(refused_and_closed(&mut client).await);
    }
    assert_one_too_many(&client, &mut sessions).await;
}

#[tokio::test]
async fn a_session_that_is_closed_too_early_loses_all_answers_but_one() {
    const WRITES: usize = 20;
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let requests = futures::stream::iter((0..WRITES).map(|_| append("s")).collect::<Vec<_>>());
    let mut responses = within_limit(client.batch_append(requests)).await.expect("a session").into_inner();
    let mut answers = 0;
    while let Some(response) = within_limit(responses.message()).await.expect("it ends with OK") {
        assert!(matches!(response.result, Some(BatchResult::Success(_))), "{response:?}");
        answers += 1;
    }
    assert_eq!(answers, 1);
    within_limit(async {
        while count(&server, "s").await < WRITES {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_refusal_overtakes_the_success_before_it() {
    let server = TestServer::start().await;
    let overtaken = (0..20).map(async |round| {
        let mut client = grpc::client(&server).await;
        let stream = format!("s{round}");
        let requests = futures::stream::iter([append(&stream), refused(&stream)]).chain(futures::stream::pending());
        let mut responses = within_limit(client.batch_append(requests)).await.expect("a session").into_inner();
        let first = within_limit(responses.message()).await.expect("a response").expect("not the end");
        matches!(first.result, Some(BatchResult::Error(_)))
    });
    let overtaken: Vec<_> = overtaken.collect::<FuturesUnordered<_>>().collect().await;
    assert!(overtaken.contains(&true), "{overtaken:?}");
}

#[tokio::test]
async fn many_events_at_once_make_a_subscription_catch_up_again() {
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let request = read_req(subscribe_to_all(None));
    let mut frames = client.read(request).await.expect("a subscription").into_inner();
    let mut caught_up = async || {
        loop {
            let frame = within_limit(frames.message()).await.expect("a frame").expect("not the end");
            if matches!(frame.content, Some(Content::CaughtUp(_))) {
                break;
            }
        }
    };
    caught_up().await;
    write(&server, "s", 300).await;
    caught_up().await;
}
