//! Appending with expected revisions, over the one call that is meant for it.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use jetbridge_testing::{TestEventStore, TestProxy, eventually};
use shared_infrastructure::event_store::{
    AppendError, AppendFailure, Appender, EventMetadata, EventStore, ProposedAppend, ProposedEvent, Refusal, StoreError,
};
use shared_kernel::Revision;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::accounts::STREAM;
use crate::bank::{LIMIT, context};

fn appender(address: &str) -> Appender {
    EventStore::new(address).unwrap().appender(STREAM)
}

fn proposed(expected: Option<u64>, data: &[u8]) -> ProposedAppend {
    let event = ProposedEvent {
        id: Uuid::now_v7(),
        event_type: "Something",
        data: Bytes::copy_from_slice(data),
        metadata: EventMetadata::of(&context(), 1),
    };
    ProposedAppend { expected: expected.map(Revision), events: vec![event] }
}

pub(crate) async fn append(appender: &mut Appender, expected: Option<u64>) -> Result<(), AppendError> {
    appender.append_all(vec![proposed(expected, b"{}")], LIMIT).await
}

pub(crate) fn wrong_revision(written: usize, current: u64) -> Result<(), AppendError> {
    let current = Some(Revision(current));
    Err(AppendError { written, failure: AppendFailure::WrongExpectedRevision { current } })
}

fn refusal(outcome: Result<(), AppendError>) -> Refusal {
    match outcome {
        Err(AppendError { failure: AppendFailure::NotWritten(StoreError::Refused(refusal)), .. }) => refusal,
        other => panic!("{other:?}"),
    }
}

async fn appender_behind_proxy() -> (TestEventStore, TestProxy, Appender) {
    let store = TestEventStore::start().await;
    let proxy = TestProxy::start(store.address()).await;
    let appender = appender(&proxy.connection_string());
    (store, proxy, appender)
}

#[tokio::test]
async fn a_refusal_tells_how_far_the_stream_reaches_and_the_call_goes_on() {
    let (_store, proxy, mut appender) = appender_behind_proxy().await;
    assert_eq!(appender.check().await, Ok(None));
    assert_eq!(append(&mut appender, None).await, Ok(()));
    assert_eq!(append(&mut appender, Some(0)).await, Ok(()));
    assert_eq!(append(&mut appender, None).await, wrong_revision(0, 1));
    assert_eq!(append(&mut appender, Some(7)).await, wrong_revision(0, 1));
    assert_eq!(append(&mut appender, Some(1)).await, Ok(()));
    assert_eq!(appender.check().await, Ok(Some(Revision(2))));
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn what_comes_after_a_refused_append_is_not_sent() {
    let store = TestEventStore::start().await;
    let mut appender = appender(store.connection_string());
    let appends = vec![proposed(None, b"{}"), proposed(Some(4), b"{}"), proposed(Some(0), b"{}")];
    assert_eq!(appender.append_all(appends, LIMIT).await, wrong_revision(1, 0));
    assert_eq!(appender.check().await, Ok(Some(Revision(0))));
}

/// A node takes 100 calls on a connection, and does not end those that were refused: one left behind by each would stop
/// everything at the hundredth.
#[tokio::test]
async fn ten_thousand_conflicts_leave_nothing_behind() {
    let (_store, proxy, mut appender) = appender_behind_proxy().await;
    append(&mut appender, None).await.unwrap();
    let tasks = Handle::current().metrics().num_alive_tasks();
    for _ in 0..10_000 {
        assert_eq!(append(&mut appender, None).await, wrong_revision(0, 0));
    }
    assert!(Handle::current().metrics().num_alive_tasks() <= tasks);
    assert_eq!((proxy.connections(), proxy.open_connections()), (1, 1));
}

/// Whatever ends it: the task, the connection and the call of both sides are gone.
#[tokio::test]
async fn an_appender_that_is_dropped_or_cancelled_leaves_nothing_behind() {
    let store = TestEventStore::start().await;
    let proxy = TestProxy::start(store.address()).await;
    let event_store = EventStore::new(&proxy.connection_string()).unwrap();
    let alive = || Handle::current().metrics().num_alive_tasks();
    let before = alive();
    for _ in 0..300 {
        let mut appender = event_store.appender(STREAM);
        appender.check().await.unwrap();
        assert_eq!(append(&mut appender, Some(0)).now_or_never(), None);
    }
    eventually("everything is closed", LIMIT, async || (proxy.open_connections(), alive()) == (0, before)).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_leaves_the_outcome_unknown_and_the_next_append_opens_another() {
    let (_store, proxy, mut appender) = appender_behind_proxy().await;
    append(&mut appender, None).await.unwrap();
    proxy.cut_next_request();
    let unknown = append(&mut appender, Some(0)).await.unwrap_err();
    assert!(matches!(unknown.failure, AppendFailure::Unknown(_)), "{unknown:?}");
    // What the event store has taken in stands.
    eventually("the append arrived", LIMIT, async || appender.check().await == Ok(Some(Revision(1)))).await;
    assert_eq!(append(&mut appender, Some(1)).await, Ok(()));
}

#[tokio::test]
async fn an_answer_that_does_not_come_leaves_the_outcome_unknown_in_time() {
    let (_store, proxy, mut appender) = appender_behind_proxy().await;
    append(&mut appender, None).await.unwrap();
    proxy.hold_answers(true);
    let limit = Duration::from_millis(100);
    let unknown = appender.append_all(vec![proposed(Some(0), b"{}")], limit).await.unwrap_err();
    assert!(matches!(unknown.failure, AppendFailure::Unknown(_)), "{unknown:?}");
    proxy.hold_answers(false);
    assert_eq!(append(&mut appender, Some(1)).await, Ok(()));
}

#[tokio::test]
async fn nobody_there_means_that_nothing_was_written() {
    let mut store = TestEventStore::start().await;
    let mut appender = appender(store.connection_string());
    store.stop().await;
    let failure = append(&mut appender, None).await.unwrap_err().failure;
    assert!(matches!(failure, AppendFailure::NotWritten(StoreError::Unavailable(_))), "{failure:?}");
    store.start_again().await;
    assert_eq!(append(&mut appender, None).await, Ok(()));
}

#[tokio::test]
async fn an_append_that_is_too_large_or_for_a_deleted_stream_is_refused_for_certain() {
    let store = TestEventStore::start().await;
    let mut appender = appender(store.connection_string());
    let large = vec![b' '; 2 * 1024 * 1024];
    let refused = appender.append_all(vec![proposed(None, &large)], LIMIT).await;
    assert!(matches!(refusal(refused), Refusal::TooLarge(_)));
    let enormous = vec![b' '; 20 * 1024 * 1024];
    let refused = appender.append_all(vec![proposed(None, &enormous)], LIMIT).await;
    assert!(matches!(refusal(refused), Refusal::TooLarge(_)));
    assert_eq!(append(&mut appender, None).await, Ok(()));

    let client = eventstore::Client::new(store.connection_string().parse().unwrap()).unwrap();
    client.tombstone_stream(STREAM, &eventstore::TombstoneStreamOptions::default()).await.unwrap();
    assert_eq!(refusal(append(&mut appender, Some(0)).await), Refusal::StreamDeleted(STREAM.to_owned()));
    assert_eq!(appender.check().await, Err(Refusal::StreamDeleted(STREAM.to_owned()).into()));
}
