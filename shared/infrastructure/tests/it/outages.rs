//! An event store that is away.

use std::time::{Duration, Instant};

use jetbridge_testing::{TestEventStore, eventually};
use shared_kernel::{Execute, ExecuteError, Interruption};
use uuid::Uuid;

use crate::accounts::{Command, Short};
use crate::bank::{LIMIT, Replica};

/// The promise of two seconds, and slack for a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_millis(2_300);
/// "At once", on a busy machine.
const AT_ONCE: Duration = Duration::from_millis(700);
/// Long enough for attempts to connect to fail, which a client of the library does not survive.
pub(crate) const OUTAGE: Duration = Duration::from_millis(300);
const RECOVERY_LIMIT: Duration = Duration::from_secs(5);

fn deposit() -> Command {
    Command::Deposit { account: Uuid::now_v7(), amount: 1 }
}

async fn refusal(replica: &Replica, within: Duration) -> ExecuteError<Short> {
    let started = Instant::now();
    let error = replica.execute(deposit()).await.expect_err("the event store is away");
    assert!(started.elapsed() < within, "{error} after {:?}", started.elapsed());
    error
}

/// Commands are refused at once, for a while.
async fn assert_refuses(replica: &Replica) {
    let started = Instant::now();
    while started.elapsed() < OUTAGE {
        assert!(is_unavailable(&refusal(replica, AT_ONCE).await));
        tokio::time::sleep(OUTAGE / 20).await;
    }
}

async fn assert_recovers(replica: &Replica) {
    eventually("commands are executed again", RECOVERY_LIMIT, async || replica.execute(deposit()).await).await;
}

fn is_unavailable(error: &ExecuteError<Short>) -> bool {
    matches!(error, ExecuteError::Interrupted(Interruption::Unavailable(_)))
}

#[tokio::test]
async fn an_outage_is_answered_soon_then_at_once_and_ends_by_itself() {
    let mut store = TestEventStore::start().await;
    let replica = Replica::start(&store).await;
    replica.execute(deposit()).await.unwrap();

    for _ in 0..2 {
        store.stop().await;
        refusal(&replica, ANSWER_LIMIT).await;
        assert_refuses(&replica).await;
        assert!(replica.handle.outage().is_some());
        let fresh = replica.handle.inspect_fresh(|_| ()).await;
        assert!(is_unavailable(&fresh.expect_err("nothing can be known to be fresh")));
        store.start_again().await;
        assert_recovers(&replica).await;
    }
}

#[tokio::test]
async fn an_event_store_that_is_away_at_the_start_is_waited_for() {
    let mut store = TestEventStore::start().await;
    store.stop().await;
    let replica = Replica::start_disconnected(store.connection_string());
    assert_refuses(&replica).await;
    store.start_again().await;
    assert_recovers(&replica).await;
}

#[tokio::test]
async fn silence_is_an_unknown_outcome_soon_then_a_refusal_at_once() {
    let (_store, proxy, replica) = Replica::behind_proxy().await;
    let account = Uuid::now_v7();
    replica.execute(Command::Deposit { account, amount: 1 }).await.unwrap();

    proxy.hold_answers(true);
    let error = refusal(&replica, ANSWER_LIMIT).await;
    assert!(matches!(error, ExecuteError::Interrupted(Interruption::OutcomeUnknown(_))), "{error:?}");
    assert_refuses(&replica).await;
    proxy.hold_answers(false);
    assert_recovers(&replica).await;
}

/// A rejection has to be proved by the stream, too.
#[tokio::test]
async fn nothing_is_rejected_while_the_stream_cannot_be_read() {
    let (_store, proxy, replica) = Replica::behind_proxy().await;
    proxy.hold_answers(true);
    let started = Instant::now();
    let answer = replica.execute(Command::Withdraw { account: Uuid::now_v7(), amount: 1 }).await;
    assert!(is_unavailable(&answer.expect_err("nothing can be known")));
    assert!(started.elapsed() < ANSWER_LIMIT);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_the_event_store() {
    let mut store = TestEventStore::start().await;
    store.stop().await;
    let replica = Replica::start_disconnected(store.connection_string());
    assert!(is_unavailable(&refusal(&replica, AT_ONCE).await));
    tokio::time::timeout(LIMIT, replica.stop()).await.unwrap();
}
