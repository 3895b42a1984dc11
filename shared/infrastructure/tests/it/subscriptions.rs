//! A subscription goes on, however it ends.

use std::time::Duration;

use jetbridge_testing::{CallProxy, TestEventStore, TestProxy, eventually};
use shared_infrastructure::event_store::{Delivery, EventStore, StoreError, Subscription};
use shared_kernel::{Execute, Revision};
use tokio::time::timeout;
use uuid::Uuid;

use crate::accounts::{Command, Event, STREAM};
use crate::bank::{LIMIT, Replica};
use crate::database::{AccountRows, ReadDatabase, bigint};
use crate::events::Writer;
use crate::workers::Running;

/// How long a subscription may bring nothing although there is something, and slack for a busy machine.
const SILENCE_LIMIT: Duration = Duration::from_secs(20);

fn deposit() -> Event {
    Event::deposited(Uuid::now_v7(), 1)
}

/// A subscription that has brought everything, and waits.
async fn caught_up(event_store: &EventStore) -> Subscription {
    let mut subscription = event_store.subscribe(STREAM, None).await.unwrap();
    while !matches!(subscription.next_batch(1).await.unwrap()[..], [Delivery::CaughtUp]) {}
    subscription
}

async fn end(mut subscription: Subscription) -> StoreError {
    timeout(SILENCE_LIMIT, subscription.next_batch(1)).await.expect("the subscription ends").unwrap_err()
}

/// An event store with an event in it, and a client behind a proxy.
async fn behind_proxy() -> (TestEventStore, Writer, CallProxy, EventStore) {
    let store = TestEventStore::start().await;
    let writer = Writer::new(&store);
    writer.append(&[deposit()]).await;
    let proxy = CallProxy::start(store.address()).await;
    let event_store = EventStore::new(&proxy.connection_string()).unwrap();
    (store, writer, proxy, event_store)
}

/// As a node or a proxy may do when it stops.
#[tokio::test]
async fn one_that_the_event_store_ends_without_an_error_has_ended() {
    let (_store, _, proxy, event_store) = behind_proxy().await;
    let subscription = caught_up(&event_store).await;
    proxy.end_calls();
    let ended = StoreError::Unavailable("the event store has ended the subscription".to_owned());
    assert_eq!(end(subscription).await, ended);

    let mut to_all = event_store.subscribe_to_all(&[STREAM], None).await.unwrap();
    while !matches!(to_all.next_batch(1).await.unwrap()[..], [Delivery::CaughtUp]) {}
    proxy.end_calls();
    assert_eq!(end(to_all).await, ended);
}

#[tokio::test]
async fn one_that_brings_nothing_although_there_is_something_ends() {
    let (_store, writer, proxy, event_store) = behind_proxy().await;
    let subscription = caught_up(&event_store).await;
    let mut to_all = event_store.subscribe_to_all(&[STREAM], None).await.unwrap();
    while !matches!(to_all.next_batch(1).await.unwrap()[..], [Delivery::CaughtUp]) {}
    proxy.silence_calls();
    writer.append(&[deposit()]).await;
    for ended in [end(subscription).await, end(to_all).await] {
        assert!(ended.to_string().contains("has brought nothing for 5 s although there is something"), "{ended}");
    }
}

#[tokio::test]
async fn one_that_is_quiet_because_nothing_happens_goes_on() {
    let (_store, writer, proxy, event_store) = behind_proxy().await;
    let mut subscription = caught_up(&event_store).await;
    let before = proxy.reads();
    eventually("it was asked whether there is something", SILENCE_LIMIT, async || proxy.reads() > before + 1).await;
    for _ in 0..20 {
        let last = writer.append(&[deposit()]).await;
        let delivered = timeout(LIMIT, subscription.next_batch(1)).await.unwrap().unwrap();
        assert!(matches!(&delivered[..], [Delivery::Event(event)] if event.revision == last));
    }
}

/// The connection is there, idle, and of no use.
#[tokio::test]
async fn a_projector_and_an_executor_find_out_that_their_connections_are_dead() {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let proxy = TestProxy::start(store.address()).await;
    let projector = Running::projector_at(AccountRows, &proxy.connection_string(), &database);
    let replica = Replica::start_at(&proxy.connection_string()).await;
    let account = Uuid::now_v7();
    let deposit = Command::Deposit { account, amount: 1 };
    replica.execute(deposit).await.unwrap();
    projected(&database, Revision(0)).await;
    proxy.freeze_connections();
    let last = Writer::new(&store).append(&[Event::deposited(account, 1)]).await;
    projected(&database, last).await;
    projector.stop().await;
    eventually("the executor has heard of it", SILENCE_LIMIT, async || {
        replica.handle.inspect(|balances| balances.of(account)) == 2
    })
    .await;
}

#[tokio::test]
async fn readers_go_on_after_the_event_store_has_ended_their_subscriptions() {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let proxy = CallProxy::start(store.address()).await;
    let projector = Running::projector_at(AccountRows, &proxy.connection_string(), &database);
    let replica = Replica::start_at(&proxy.connection_string()).await;
    let account = Uuid::now_v7();
    for number in 0..3 {
        let last = Writer::new(&store).append(&[Event::deposited(account, 1)]).await;
        projected(&database, last).await;
        eventually("the executor has heard of it", LIMIT, async || {
            replica.handle.inspect(|balances| balances.of(account)) == number + 1
        })
        .await;
        proxy.end_calls();
    }
    projector.stop().await;
}

async fn projected(database: &ReadDatabase, revision: Revision) {
    eventually("it is projected", SILENCE_LIMIT, async || {
        database.checkpoint(<AccountRows as shared_infrastructure::reader::Projection>::NAME).await == bigint(revision)
    })
    .await;
}
