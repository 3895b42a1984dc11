use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use uuid::Uuid;

use super::{COLLECTING, Phase, Subscription};
use crate::log::{Command, Direction, EventLog, NewEvent, Operation};
use crate::rules::ExpectedRevision;
use crate::streams::request::{Count, ReadRequest, Source, Start};
use crate::wire::IdForm;

const LIMIT: Duration = Duration::from_secs(20);

async fn commit(log: &EventLog) {
    let event = NewEvent {
        id: Uuid::new_v4(),
        event_type: "Happened".to_owned(),
        is_json: true,
        data: Bytes::from_static(b"{}"),
        metadata: Bytes::new(),
    };
    let (stream, expected) = (Arc::from("s"), ExpectedRevision::Any);
    log.write(Command { stream, expected, operation: Operation::Append(vec![event]) }).await.expect("it is written");
}

/// A subscription to everything that has caught up.
async fn live() -> (TempDir, EventLog, Subscription, CancellationToken) {
    let folder = TempDir::new().expect("a folder");
    let (log, _) = EventLog::open(folder.path(), false).expect("a log");
    let request = ReadRequest {
        source: Source::All(None),
        start: Start::First,
        direction: Direction::Forwards,
        count: Count::Subscription,
        resolve_links: false,
        id_form: IdForm::Text,
        wants_stream_positions: false,
    };
    let shutdown = CancellationToken::new();
    let mut subscription = Subscription::new(log.clone(), request, false, shutdown.clone());
    while subscription.phase != Phase::Live {
        assert!(subscription.step().await.end.is_none());
    }
    (folder, log, subscription, shutdown)
}

#[tokio::test]
async fn what_is_committed_soon_after_a_delivery_is_collected() {
    let (_folder, log, mut subscription, _) = live().await;
    for _ in 0..3 {
        let due_before = subscription.due;
        commit(&log).await;
        let asked = Instant::now();
        assert_eq!(subscription.step().await.frames.len(), 1);
        assert!(Instant::now() >= due_before, "it was delivered before it was due");
        assert!(subscription.due >= asked + COLLECTING, "the next one is not collected");
    }
}

#[tokio::test]
async fn what_waits_to_be_delivered_holds_up_no_end() {
    let (_folder, log, mut subscription, shutdown) = live().await;
    commit(&log).await;
    subscription.due = Instant::now() + 100 * LIMIT;
    let mut step = Box::pin(subscription.step());
    assert!(futures::poll!(&mut step).is_pending());
    shutdown.cancel();
    let end = timeout(LIMIT, step).await.expect("it ends").end;
    assert_eq!(end.expect("a status").code(), Code::Unavailable);
}
