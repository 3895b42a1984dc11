//! An event store that holds another history than before, or hides a part of it.

use eventstore::StreamMetadataBuilder;
use jetbridge_testing::{TestEventStore, TestProxy, eventually};
use shared_infrastructure::event_store::{EventStore, Refusal, StoreError};
use shared_infrastructure::executor::ExecutorHandle;
use shared_infrastructure::reader::Projection;
use shared_infrastructure::worker::Replayed;
use shared_kernel::{Execute, ExecuteError, Interruption, Revision};
use uuid::Uuid;

use crate::accounts::{Accounts, Balances, Command, Event, STREAM};
use crate::bank::{LIMIT, Replica, context, is_rejected};
use crate::database::{AccountRows, NewerAccountRows, ReadDatabase, Rows, bigint};
use crate::events::{Writer, folded, recorded};
use crate::workers::Running;

fn deposits(count: usize) -> Vec<Event> {
    (0..count).map(|_| Event::deposited(Uuid::now_v7(), 1)).collect()
}

async fn refuses(handle: &ExecutorHandle<Accounts>, is_expected: impl Fn(&Refusal) -> bool) {
    eventually("the executor says what is refused", LIMIT, async || match handle.outage() {
        Some(StoreError::Refused(refusal)) if is_expected(&refusal) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let answer = handle.execute(Command::Deposit { account: Uuid::now_v7(), amount: 1 }, context()).await;
    assert!(matches!(answer, Err(ExecuteError::Interrupted(Interruption::Refused(_)))), "{answer:?}");
}

/// Gives the stream metadata that hide events, and a client that may do more.
async fn hide(
    store: &TestEventStore,
    limits: impl FnOnce(StreamMetadataBuilder) -> StreamMetadataBuilder,
) -> eventstore::Client {
    let client = eventstore::Client::new(store.connection_string().parse().unwrap()).unwrap();
    let metadata = limits(StreamMetadataBuilder::new()).build();
    client.set_stream_metadata(STREAM, &Default::default(), &metadata).await.unwrap();
    client
}

/// Waits until an executor has noticed another history, and decides on it.
async fn noticed(replica: &Replica, before: Option<Refusal>) -> Refusal {
    let refusal = eventually("the other history is noticed", LIMIT, async || {
        replica.handle.other_history().filter(|refusal| Some(refusal) != before.as_ref())
    })
    .await;
    assert!(matches!(refusal, Refusal::OtherHistory { .. }), "{refusal:?}");
    replica.connected().await;
    refusal
}

/// The same for one that was emptied, for one that was restored and has grown since, and for the first one again.
#[tokio::test]
async fn an_executor_decides_on_another_history_as_if_there_had_been_no_other() {
    let [store, emptied, restored] =
        [TestEventStore::start().await, TestEventStore::start().await, TestEventStore::start().await];
    let account = Uuid::now_v7();
    let of_store = Writer::new(&store).append(&[Event::deposited(account, 7)]).await;
    Writer::new(&store).append(&deposits(4)).await;
    let of_restored = Writer::new(&restored).append(&deposits(9)).await;
    let proxy = TestProxy::start(store.address()).await;
    let replica = Replica::start_at(&proxy.connection_string()).await;
    assert_eq!((replica.handle.other_history(), of_store), (None, Revision(0)));

    proxy.point_at(emptied.address());
    let mut before = Some(noticed(&replica, None).await);
    assert!(is_rejected(&replica.execute(Command::Withdraw { account, amount: 1 }).await));
    let first = replica.execute(Command::Deposit { account, amount: 3 }).await.unwrap();
    assert_eq!((first.outcome, first.revision), (3, Some(Revision(0))));

    proxy.point_at(restored.address());
    before = Some(noticed(&replica, before).await);
    assert!(is_rejected(&replica.execute(Command::Withdraw { account, amount: 1 }).await));
    let next = replica.execute(Command::Deposit { account, amount: 1 }).await.unwrap();
    assert_eq!((next.outcome, next.revision), (1, Some(of_restored.next())));

    proxy.point_at(store.address());
    noticed(&replica, before).await;
    let again = replica.execute(Command::Withdraw { account, amount: 7 }).await.unwrap();
    assert_eq!((again.outcome, again.revision), (0, Some(Revision(6))));
    assert_eq!(folded(&recorded(&store).await).last(), Some(replica.handle.current().state()));
}

#[tokio::test]
async fn an_event_store_that_is_emptied_while_an_executor_runs_is_begun_anew() {
    let mut store = TestEventStore::start().await;
    let replica = Replica::start(&store).await;
    let account = Uuid::now_v7();
    for _ in 0..3 {
        replica
            .execute_with_key(Command::Deposit { account, amount: 5 }, &Uuid::now_v7().to_string(), "")
            .await
            .unwrap();
    }
    replica.execute_with_key(Command::Deposit { account, amount: 5 }, "a key", "").await.unwrap();
    store.stop().await;
    store.empty();
    store.start_again().await;
    noticed(&replica, None).await;
    assert_eq!(replica.handle.current().state(), &Balances::default());
    // What was remembered never happened either.
    let answer = replica.execute_with_key(Command::Deposit { account, amount: 2 }, "a key", "another").await.unwrap();
    assert_eq!((answer.outcome, answer.revision), (2, Some(Revision(0))));
}

/// Events that are hidden have happened all the same.
#[tokio::test]
async fn an_executor_throws_nothing_away_because_its_last_event_is_hidden() {
    let mut store = TestEventStore::start().await;
    let replica = Replica::start(&store).await;
    let account = Uuid::now_v7();
    replica.execute(Command::Deposit { account, amount: 5 }).await.unwrap();
    let client = hide(&store, |metadata| metadata.truncate_before(1)).await;
    store.stop().await;
    refuses_without_change(&replica).await;
    store.start_again().await;
    let hidden = Refusal::EventsHidden { stream: STREAM.to_owned(), from: 0, to: 0 };
    refuses(&replica.handle, |refusal| *refusal == hidden).await;
    let visible = StreamMetadataBuilder::new().build();
    client.set_stream_metadata(STREAM, &Default::default(), &visible).await.unwrap();
    replica.connected().await;
    let after = replica.execute(Command::Deposit { account, amount: 1 }).await.unwrap();
    assert_eq!((after.outcome, replica.handle.other_history()), (6, None));
}

async fn refuses_without_change(replica: &Replica) {
    eventually("the outage is noticed", LIMIT, async || replica.handle.outage()).await;
    assert_ne!(replica.handle.current().state(), &Balances::default());
}

#[tokio::test]
async fn an_executor_does_not_decide_without_the_events_that_metadata_hides() {
    let store = TestEventStore::start().await;
    Writer::new(&store).append(&deposits(5)).await;
    let client = hide(&store, |metadata| metadata.max_count(2)).await;
    let replica = Replica::start_disconnected(store.connection_string());
    let hidden = Refusal::EventsHidden { stream: STREAM.to_owned(), from: 0, to: 2 };
    refuses(&replica.handle, |refusal| *refusal == hidden).await;

    // A soft delete hides them all, and only the metadata tell it from a stream that never was.
    client.delete_stream(STREAM, &Default::default()).await.unwrap();
    refuses(&replica.handle, |refusal| *refusal == Refusal::StreamHidden(STREAM.to_owned())).await;
}

/// Nor are later ones about the same thing projected without it.
#[tokio::test]
async fn a_parked_event_that_is_hidden_stays_parked_and_says_why() {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let writer = Writer::new(&store);
    let [account, other] = [Uuid::now_v7(), Uuid::now_v7()];
    writer.append_unknown("Refunded", account, 1).await;
    writer.append_unknown("Refunded", other, 1).await;
    let last = writer.append(&[Event::deposited(account, 1)]).await;
    let projector = Running::projector(AccountRows, &store, &database);
    eventually("everything is parked", LIMIT, async || database.checkpoint(AccountRows::NAME).await == bigint(last))
        .await;
    projector.stop().await;
    let client = eventstore::Client::new(store.connection_string().parse().unwrap()).unwrap();
    let metadata = eventstore::StreamMetadataBuilder::new().truncate_before(1).build();
    client.set_stream_metadata(STREAM, &Default::default(), &metadata).await.unwrap();

    let projector = Running::projector(NewerAccountRows, &store, &database);
    assert_eq!(projector.replay().await, Replayed { replayed: 1, still_parked: 2, beyond_limit: 0 });
    let parked = database.parked().await;
    let summary: Vec<_> = parked.iter().map(|event| (event.event_number.0, event.reason.as_str())).collect();
    let hidden = Refusal::EventsHidden { stream: STREAM.to_owned(), from: 0, to: 0 }.to_string();
    assert_eq!(summary, [(0, hidden.as_str()), (2, "an earlier event about the same thing is parked")]);
    assert_eq!(database.rows().await, Rows::from([(other, (1, 1))]));
    projector.stop().await;
}

#[tokio::test]
async fn a_subscription_ends_where_an_event_is_missing() {
    let store = TestEventStore::start().await;
    Writer::new(&store).append(&deposits(5)).await;
    hide(&store, |metadata| metadata.truncate_before(3)).await;
    let event_store = EventStore::new(store.connection_string()).unwrap();
    let hidden = |from| StoreError::from(Refusal::EventsHidden { stream: STREAM.to_owned(), from, to: 2 });
    let mut from_start = event_store.subscribe(STREAM, None).await.unwrap();
    assert_eq!(from_start.next_batch(10).await.err(), Some(hidden(0)));
    assert_eq!(event_store.subscribe(STREAM, Some(Revision(1))).await.err(), Some(hidden(1)));
    let mut rest = event_store.subscribe(STREAM, Some(Revision(3))).await.unwrap();
    assert_eq!(rest.next_batch(1).await.map(|batch| batch.len()), Ok(1));
}

/// After a failover, or a node that hung, the connection of the last read is of no use, and nothing says so.
#[tokio::test]
async fn a_read_over_a_connection_that_is_dead_is_tried_again_over_a_fresh_one() {
    let store = TestEventStore::start().await;
    let last = Writer::new(&store).append(&deposits(5)).await;
    let proxy = TestProxy::start(store.address()).await;
    let event_store = EventStore::new(&proxy.connection_string()).unwrap();
    for _ in 0..3 {
        assert_eq!(event_store.last_revision(STREAM).await, Ok(Some(last)));
        proxy.freeze_connections();
    }
    assert_eq!(event_store.last_revision(STREAM).await, Ok(Some(last)));
}
