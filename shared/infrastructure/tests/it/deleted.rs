//! A stream that somebody has deleted, in either of the two ways, while it was used and before.

use eventstore::StreamMetadataBuilder;
use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::event_store::{Delivery, EventStore, Refusal, StoreError};
use shared_infrastructure::executor::ExecutorHandle;
use shared_infrastructure::reader::{Projection, Reaction};
use shared_kernel::{Execute, ExecuteError, Interruption};
use uuid::Uuid;

use crate::accounts::{Accounts, Command, Event, STREAM};
use crate::bank::{LIMIT, Replica, context};
use crate::database::{AccountRows, ReadDatabase, bigint, rows_of};
use crate::events::Writer;
use crate::reactor::{Announcement, OtherSide};
use crate::workers::Running;

#[derive(Debug, Clone, Copy)]
enum Deletion {
    /// For good.
    Tombstone,
    /// The events are hidden.
    Hides,
}

impl Deletion {
    const BOTH: [Self; 2] = [Self::Tombstone, Self::Hides];

    async fn of(self, stream: &str, store: &TestEventStore) -> eventstore::Client {
        let client = eventstore::Client::new(store.connection_string().parse().unwrap()).unwrap();
        match self {
            Self::Tombstone => drop(client.tombstone_stream(stream, &Default::default()).await.unwrap()),
            Self::Hides => drop(client.delete_stream(stream, &Default::default()).await.unwrap()),
        }
        client
    }

    fn refusal(self) -> Refusal {
        match self {
            Self::Tombstone => Refusal::StreamDeleted(STREAM.to_owned()),
            Self::Hides => Refusal::StreamHidden(STREAM.to_owned()),
        }
    }
}

fn deposits(count: usize) -> Vec<Event> {
    (0..count).map(|_| Event::deposited(Uuid::now_v7(), 1)).collect()
}

async fn says(handle: &ExecutorHandle<Accounts>, deletion: Deletion) {
    let expected = StoreError::from(deletion.refusal());
    eventually("the executor says what was deleted", LIMIT, async || match handle.outage() {
        Some(error) if error == expected => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let answer = handle.execute(Command::Deposit { account: Uuid::now_v7(), amount: 1 }, context()).await;
    let Err(ExecuteError::Interrupted(Interruption::Refused(reason))) = answer else { panic!("{answer:?}") };
    assert!(reason.contains(STREAM) && reason.contains("restore a backup"), "{reason}");
}

#[tokio::test]
async fn an_executor_refuses_commands_and_names_the_stream() {
    for deletion in Deletion::BOTH {
        let store = TestEventStore::start().await;
        let replica = Replica::start(&store).await;
        let account = Uuid::now_v7();
        replica.execute(Command::Deposit { account, amount: 1 }).await.unwrap();
        let client = deletion.of(STREAM, &store).await;
        says(&replica.handle, deletion).await;
        let later = Replica::start_disconnected(store.connection_string());
        says(&later.handle, deletion).await;

        if let Deletion::Hides = deletion {
            let visible = StreamMetadataBuilder::new().build();
            // The first makes the stream anew, behind what was deleted; the second shows that as well.
            for _ in 0..2 {
                client.set_stream_metadata(STREAM, &Default::default(), &visible).await.unwrap();
            }
            replica.connected().await;
            let after = replica.execute(Command::Deposit { account, amount: 1 }).await.unwrap();
            assert_eq!((after.outcome, replica.handle.other_history()), (2, None));
        }
    }
}

/// What is projected stays: it is no other history, and may be all that is left.
#[tokio::test]
async fn a_projector_stands_still_and_names_the_stream() {
    for deletion in Deletion::BOTH {
        let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
        let events = deposits(3);
        let last = Writer::new(&store).append(&events).await;
        let projector = Running::projector(AccountRows, &store, &database);
        let come = async || database.checkpoint(AccountRows::NAME).await == bigint(last);
        eventually("everything is projected", LIMIT, come).await;
        deletion.of(STREAM, &store).await;
        let expected = Some(deletion.refusal().to_string());
        eventually("the stream is named", LIMIT, async || projector.handle.trouble() == expected).await;
        projector.stop().await;
        let later = Running::projector(AccountRows, &store, &database);
        eventually("the stream is named again", LIMIT, async || later.handle.trouble() == expected).await;
        later.stop().await;
        assert_eq!(database.rows().await, rows_of(&events), "{deletion:?}");
    }
}

#[tokio::test]
async fn a_reactor_stands_still_and_names_the_stream() {
    for deletion in Deletion::BOTH {
        let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
        let account = Uuid::now_v7();
        let last = Writer::new(&store).append(&[Event::deposited(account, 1)]).await;
        let side = OtherSide::default();
        let reactor = Running::reactor(Announcement(side.clone()), &store, &database);
        side.has_done(account, &[last.0]).await;
        let come = async || database.checkpoint(Announcement::NAME).await == bigint(last);
        eventually("the checkpoint is there", LIMIT, come).await;
        deletion.of(STREAM, &store).await;
        let expected = Some(deletion.refusal().to_string());
        eventually("the stream is named", LIMIT, async || reactor.handle.trouble() == expected).await;
        assert_eq!(reactor.handle.halted(), None, "{deletion:?}: it is no other history");
        reactor.stop().await;
        assert_eq!(side.done(account), [last.0]);
    }
}

/// The event that says so is none of the domain's, and not passed on.
#[tokio::test]
async fn a_subscription_to_all_ends_with_a_stream_that_is_tombstoned() {
    let store = TestEventStore::start().await;
    let writer = Writer::new(&store);
    writer.append(&deposits(1)).await;
    let event_store = EventStore::new(store.connection_string()).unwrap();
    let mut subscription = event_store.subscribe_to_all(&[STREAM], None).await.unwrap();
    // One with a similar name is not of concern.
    Deletion::Tombstone.of(&format!("{STREAM}-2"), &store).await;
    writer.append(&deposits(1)).await;
    Deletion::Tombstone.of(STREAM, &store).await;
    let mut events = 0;
    let end = loop {
        match tokio::time::timeout(LIMIT, subscription.next_batch(1)).await.expect("in time") {
            Ok(batch) => {
                let of_stream =
                    |delivery: &&Delivery| matches!(delivery, Delivery::Event(event) if event.stream == STREAM);
                events += batch.iter().filter(of_stream).count();
            }
            Err(error) => break error,
        }
    };
    assert_eq!((events, end), (2, StoreError::from(Deletion::Tombstone.refusal())));
}

#[tokio::test]
async fn a_stream_that_never_was_has_no_events() {
    let store = TestEventStore::start().await;
    let event_store = EventStore::new(store.connection_string()).unwrap();
    assert_eq!(event_store.last_revision(STREAM).await, Ok(None));
    // Its metadata may be there before it.
    let client = eventstore::Client::new(store.connection_string().parse().unwrap()).unwrap();
    let metadata = StreamMetadataBuilder::new().max_count(1_000_000).build();
    client.set_stream_metadata(STREAM, &Default::default(), &metadata).await.unwrap();
    assert_eq!(event_store.last_revision(STREAM).await, Ok(None));
}
