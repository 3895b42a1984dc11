//! Appends that the client gives up before they are complete.

use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use tokio::sync::Notify;

use crate::bare::{self, Bare, CANCEL, NO_ERROR};
use crate::frames::{count, write};
use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::streams::append_req::options::ExpectedStreamRevision as Expected;
use crate::grpc::event_store::client::streams::batch_append_req::options::ExpectedStreamPosition as BatchExpected;
use crate::grpc::event_store::client::streams::{BatchAppendReq, TombstoneReq};
use crate::grpc::{self, append, append_options, batch, proposed};
use crate::support::{TestServer, within_limit};

const ROUNDS: usize = 200;
const FEW: usize = 50;

/// Sends the options and two events, never the third, and returns with the call still open.
async fn send_two_of_three(server: &TestServer, client: &mut grpc::Client, pause: usize, gone: impl FnOnce()) {
    let sent = Arc::new(Notify::new());
    let events = vec![proposed(b"{}"), proposed(b"{}")];
    let all_sent = {
        let sent = Arc::clone(&sent);
        futures::stream::once(async move {
            sent.notify_one();
            std::future::pending().await
        })
    };
    let messages = append("half", Expected::Any(Empty {}), events).chain(all_sent);
    let mut call = Box::pin(client.append(messages));
    within_limit(async {
        tokio::select! {
            answer = &mut call => panic!("{answer:?}"),
            () = sent.notified() => {}
        }
    })
    .await;
    // From nothing at all to all of it may have arrived by the time the call is given up.
    for _ in 0..pause {
        assert!((&mut call).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(call);
    gone();
    write(server, "other", 1).await;
}

#[tokio::test]
async fn an_append_that_is_reset_is_never_written_in_part() {
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    for round in 0..ROUNDS {
        send_two_of_three(&server, &mut client, round % 20, || {}).await;
    }
    assert_eq!(count(&server, "half").await, 0);
}

#[tokio::test]
async fn an_append_whose_connection_breaks_is_never_written_in_part() {
    let server = TestServer::start().await;
    for round in 0..FEW {
        let mut client = grpc::client(&server).await;
        let connection = client.clone();
        send_two_of_three(&server, &mut client, round % 20, || drop(connection)).await;
    }
    assert_eq!(count(&server, "half").await, 0);
}

const APPEND: &str = "/event_store.client.streams.Streams/Append";
const BATCH_APPEND: &str = "/event_store.client.streams.Streams/BatchAppend";
const TOMBSTONE: &str = "/event_store.client.streams.Streams/Tombstone";

/// The numbers of the calls of a connection.
fn calls() -> impl Iterator<Item = u32> {
    (1..).step_by(2).take(ROUNDS)
}

/// The head of an append and all but the end of it: the options and two events.
async fn most_of_an_append(call: u32, stream: &str) -> Vec<u8> {
    let sent: Vec<_> = append(stream, Expected::Any(Empty {}), vec![proposed(b"{}"), proposed(b"{}")]).collect().await;
    [bare::call_head(call, APPEND), bare::messages(call, &sent)].concat()
}

/// Whatever the client gives as its reason, and whether the reset comes together with the events or after them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_is_reset_without_an_error_is_never_written() {
    let server = TestServer::start().await;
    for reason in [NO_ERROR, CANCEL] {
        let mut client = Bare::connect(server.address()).await;
        for call in calls() {
            let (sent, reset) = (most_of_an_append(call, "half").await, bare::reset(call, reason));
            if call % 4 == 1 {
                client.send(&[sent, reset].concat()).await;
            } else {
                client.send(&sent).await;
                client.ping().await;
                client.send(&reset).await;
            }
        }
        client.ping().await;
        // What is written after them has been decided after them.
        write(&server, "other", 1).await;
        assert_eq!(count(&server, "half").await, 0, "reset with {reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_client_goes_away_is_never_written() {
    let server = TestServer::start().await;
    for round in 0..FEW {
        let mut client = Bare::connect(server.address()).await;
        client.send(&most_of_an_append(1, "half").await).await;
        if round % 2 == 0 {
            client.send(&bare::go_away()).await;
        }
        drop(client);
        write(&server, "other", 1).await;
    }
    assert_eq!(count(&server, "half").await, 0);
}

/// A write of a batch is whole once its last fragment is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_reset_leaves_whole_writes_alone() {
    let server = TestServer::start().await;
    let any = || BatchExpected::Any(Empty {});
    for reason in [NO_ERROR, CANCEL] {
        let mut client = Bare::connect(server.address()).await;
        for call in calls() {
            let fragment = |stream| batch(uuid::Uuid::new_v4(), stream, any(), vec![proposed(b"{}")]);
            let unfinished = BatchAppendReq { is_final: false, ..fragment("half") };
            let messages = bare::messages(call, &[fragment("whole"), unfinished]);
            let sent = [bare::call_head(call, BATCH_APPEND), messages].concat();
            client.send(&sent).await;
            client.ping().await;
            let end = if call % 4 == 1 { bare::end(call) } else { bare::reset(call, reason) };
            client.send(&end).await;
        }
        client.ping().await;
        write(&server, "other", 1).await;
        assert_eq!(count(&server, "half").await, 0, "reset with {reason}");
    }
}

/// Its only message is there, and yet the client may think better of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tombstone_that_is_reset_before_its_end_is_never_written() {
    let server = TestServer::start().await;
    write(&server, "kept", 1).await;
    for reason in [NO_ERROR, CANCEL] {
        let mut client = Bare::connect(server.address()).await;
        for call in calls() {
            let request = TombstoneReq { options: Some(append_options("kept", Expected::Any(Empty {}))) };
            let messages = bare::messages(call, &[request]);
            let sent = [bare::call_head(call, TOMBSTONE), messages, bare::reset(call, reason)].concat();
            client.send(&sent).await;
        }
        client.ping().await;
        write(&server, "other", 1).await;
        assert_eq!(count(&server, "kept").await, 1, "reset with {reason}");
    }
}

/// The others of these tests would pass with a server that writes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_is_ended_is_written() {
    let server = TestServer::start().await;
    let mut client = Bare::connect(server.address()).await;
    // No more at once than a connection may have anywhere.
    for call in calls().take(FEW) {
        client.send(&[most_of_an_append(call, "whole").await, bare::end(call)].concat()).await;
    }
    jetbridge_testing::eventually("all are written", crate::support::LIMIT, async || {
        count(&server, "whole").await == 2 * FEW
    })
    .await;
}
