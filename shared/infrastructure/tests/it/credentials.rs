//! The password of an event store is sent with everything that is asked of it, with TLS or without.

use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::event_store::{Delivery, EventStore, Refusal, Right, StoreError};
use shared_kernel::{Execute, ExecuteError, Interruption, Revision};
use uuid::Uuid;

use crate::accounts::{Command, STREAM};
use crate::bank::{LIMIT, Replica, context};

#[tokio::test]
async fn every_call_carries_the_password() {
    let store = TestEventStore::start_protected().await;
    let replica = Replica::start_at(store.connection_string()).await;
    replica.execute(Command::Deposit { account: Uuid::now_v7(), amount: 1 }).await.unwrap();
    let event_store = EventStore::new(store.connection_string()).unwrap();
    assert_eq!(event_store.last_revision(STREAM).await, Ok(Some(Revision(0))));
    let mut to_stream = event_store.subscribe(STREAM, None).await.unwrap();
    let mut to_all = event_store.subscribe_to_all(&[STREAM], None).await.unwrap();
    for subscription in [&mut to_stream, &mut to_all] {
        let first = subscription.next_batch(1).await.unwrap();
        assert!(matches!(first[..], [Delivery::Event(_)]), "{first:?}");
    }
}

/// As a service of another start has it: the password is a new one each time.
#[tokio::test]
async fn without_it_everything_is_refused_for_certain() {
    let store = TestEventStore::start_protected().await;
    let (_, host) = store.connection_string().split_once('@').unwrap();
    for address in [format!("esdb://{host}"), format!("esdb://admin:fedcba9876543210@{host}")] {
        let event_store = EventStore::new(&address).unwrap();
        let denied = |right| Some(StoreError::from(Refusal::AccessDenied(right)));
        let read = || Right::Read(STREAM.to_owned());
        assert_eq!(event_store.last_revision(STREAM).await.err(), denied(read()));
        assert_eq!(event_store.subscribe(STREAM, None).await.err(), denied(read()));
        assert_eq!(event_store.subscribe_to_all(&[STREAM], None).await.err(), denied(Right::ReadAll));
        let replica = Replica::start_disconnected(&address);
        let append = denied(Right::Append(STREAM.to_owned()));
        eventually("it says so", LIMIT, async || replica.handle.outage() == append).await;
        let answer = replica.handle.execute(Command::Deposit { account: Uuid::now_v7(), amount: 1 }, context()).await;
        assert!(matches!(answer, Err(ExecuteError::Interrupted(Interruption::Refused(_)))), "{answer:?}");
    }
}
