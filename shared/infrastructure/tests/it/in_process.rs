//! An event store that is called without a connection.

use jetbridge_testing::TestEventStore;
use shared_infrastructure::event_store::{
    AppendError, AppendFailure, Delivery, EventStore, InProcess, Refusal, StoreError, Subscription,
};
use shared_kernel::Revision;
use tokio::time::timeout;

use crate::accounts::STREAM;
use crate::append::{append, wrong_revision};
use crate::bank::LIMIT;

/// Where nobody listens, with the credentials of this event store.
fn nowhere(store: &TestEventStore) -> String {
    store.connection_string().replace(&store.address().to_string(), "127.0.0.1:1")
}

fn called(store: &TestEventStore) -> EventStore {
    EventStore::reached(&nowhere(store), Some(InProcess::new(store.routes()))).unwrap()
}

async fn caught_up(event_store: &EventStore) -> (Subscription, usize) {
    let mut subscription = event_store.subscribe(STREAM, None).await.unwrap();
    let mut events = 0;
    loop {
        for delivery in subscription.next_batch(64).await.unwrap() {
            match delivery {
                Delivery::Event(_) => events += 1,
                Delivery::CaughtUp => return (subscription, events),
                Delivery::Checkpoint(_) => {}
            }
        }
    }
}

#[tokio::test]
async fn it_appends_reads_and_follows_with_no_connection_to_be_had() {
    let store = TestEventStore::start_protected().await;
    let event_store = called(&store);
    let mut appender = event_store.appender(STREAM);
    assert_eq!(append(&mut appender, None).await, Ok(()));
    assert_eq!(append(&mut appender, None).await, wrong_revision(0, 0));
    assert_eq!(append(&mut appender, Some(0)).await, Ok(()));
    assert_eq!(event_store.last_revision(STREAM).await, Ok(Some(Revision(1))));

    let (mut subscription, events) = caught_up(&event_store).await;
    assert_eq!(events, 2);
    assert_eq!(append(&mut appender, Some(1)).await, Ok(()));
    let live = timeout(LIMIT, subscription.next_batch(1)).await.expect("a delivery").unwrap();
    assert!(matches!(&live[..], [Delivery::Event(event)] if event.revision == Revision(2)), "{live:?}");

    // It is the same one, for those who are connected.
    let connected = EventStore::new(store.connection_string()).unwrap();
    assert_eq!(connected.last_revision(STREAM).await, Ok(Some(Revision(2))));
}

#[tokio::test]
async fn without_the_password_nothing_is_done() {
    let store = TestEventStore::start_protected().await;
    let event_store =
        EventStore::reached("esdb://127.0.0.1:1?tls=false", Some(InProcess::new(store.routes()))).unwrap();
    let denied = |error: &StoreError| matches!(error, StoreError::Refused(Refusal::AccessDenied(_)));
    assert!(denied(&event_store.last_revision(STREAM).await.unwrap_err()));
    assert!(denied(&event_store.subscribe(STREAM, None).await.err().unwrap()));
    let refused = append(&mut event_store.appender(STREAM), None).await.unwrap_err();
    assert!(matches!(&refused.failure, AppendFailure::NotWritten(error) if denied(error)), "{refused:?}");
}

#[tokio::test]
async fn its_end_ends_what_is_under_way_and_refuses_what_comes() {
    let mut store = TestEventStore::start_ordinary().await;
    let event_store = called(&store);
    let mut appender = event_store.appender(STREAM);
    assert_eq!(append(&mut appender, None).await, Ok(()));
    let (mut subscription, _) = caught_up(&event_store).await;

    store.stop().await;
    let ended = timeout(LIMIT, subscription.next_batch(1)).await.expect("the subscription ends");
    assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{ended:?}");
    for appender in [&mut appender, &mut event_store.appender(STREAM)] {
        let AppendError { written, failure } = append(appender, Some(0)).await.unwrap_err();
        assert_eq!(written, 0);
        assert!(!matches!(failure, AppendFailure::WrongExpectedRevision { .. }), "{failure:?}");
    }
    assert!(matches!(event_store.last_revision(STREAM).await, Err(StoreError::Unavailable(_))));
}
