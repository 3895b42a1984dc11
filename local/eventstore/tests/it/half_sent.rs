//! Appends that the client gives up before they are complete.

use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use tokio::sync::Notify;

use crate::frames::{count, write};
use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::streams::append_req::options::ExpectedStreamRevision as Expected;
use crate::grpc::{self, append, proposed};
use crate::support::{TestServer, within_limit};

const ROUNDS: usize = 200;

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
    for round in 0..ROUNDS / 4 {
        let mut client = grpc::client(&server).await;
        let connection = client.clone();
        send_two_of_three(&server, &mut client, round % 20, || drop(connection)).await;
    }
    assert_eq!(count(&server, "half").await, 0);
}
