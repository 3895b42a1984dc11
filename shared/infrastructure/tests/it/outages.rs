//! An event store that is away.

use std::time::{Duration, Instant};

use jetbridge_testing::{TestEventStore, TestProxy, eventually};
use shared_infrastructure::event_store::EventStore;
use shared_kernel::{Execute, ExecuteError, Interruption};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::accounts::{Command, STREAM, Short};
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

/// Tasks of the test's own runtime, and clients of the library, each of which has a runtime of its own.
async fn comes_down_to(store: &EventStore, tasks: usize, clients: usize) {
    eventually("what is not used any more has ended", LIMIT, async || {
        let now = (Handle::current().metrics().num_alive_tasks(), store.clients());
        if now.0 <= tasks && now.1 <= clients { Ok(()) } else { Err(format!("{now:?} tasks and clients")) }
    })
    .await;
}

#[tokio::test]
async fn what_reads_and_subscriptions_leave_behind_ends_with_them() {
    const ROUNDS: usize = 10;
    let mut store = TestEventStore::start().await;
    let connection = EventStore::new(store.connection_string()).unwrap();
    let other = connection.separate();
    let before = Handle::current().metrics().num_alive_tasks();
    for _ in 0..ROUNDS {
        connection.last_event(STREAM).await.unwrap();
        let subscription = other.subscribe(STREAM, None).await.unwrap();
        connection.reconnect();
        other.reconnect();
        drop(subscription);
    }
    comes_down_to(&connection, before, 0).await;

    store.stop().await;
    let before = Handle::current().metrics().num_alive_tasks();
    for _ in 0..ROUNDS {
        connection.last_event(STREAM).await.unwrap_err();
        other.subscribe(STREAM, None).await.err().unwrap();
        connection.reconnect();
        other.reconnect();
    }
    comes_down_to(&connection, before, 0).await;
}

/// It is the connection that is replaced, and not what is under way on it.
#[tokio::test]
async fn a_subscription_outlives_the_client_that_others_gave_up() {
    let store = TestEventStore::start().await;
    let replica = Replica::start(&store).await;
    let connection = EventStore::new(store.connection_string()).unwrap();
    let mut subscription = connection.subscribe(STREAM, None).await.unwrap();
    connection.reconnect();
    replica.execute(deposit()).await.unwrap();
    let delivered = tokio::time::timeout(LIMIT, subscription.next_batch(1)).await.unwrap();
    assert_eq!(delivered.map(|deliveries| deliveries.len()), Ok(1));
    assert_eq!(connection.clients(), 1);
}

#[tokio::test]
async fn an_executor_grows_by_nothing_through_an_outage() {
    const ATTEMPTS: usize = 12;
    let mut store = TestEventStore::start().await;
    let proxy = TestProxy::start(store.address()).await;
    let (replica, connection) = Replica::start_observed(&proxy.connection_string());
    replica.connected().await;
    let (tasks, clients) = (Handle::current().metrics().num_alive_tasks(), connection.clients());
    store.stop().await;
    let before = proxy.connections();
    eventually("it has tried often enough", LIMIT, async || {
        assert!(connection.clients() <= clients, "{} clients", connection.clients());
        proxy.connections() >= before + ATTEMPTS
    })
    .await;
    comes_down_to(&connection, tasks, clients).await;
    store.start_again().await;
    assert_recovers(&replica).await;
    comes_down_to(&connection, tasks, clients).await;
}
