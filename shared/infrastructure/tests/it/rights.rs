//! A user who lacks a right.

use jetbridge_testing::{Right as Denied, TestEventStore, eventually};
use shared_infrastructure::event_store::{EventStore, Refusal, Right, StoreError};
use shared_kernel::{Execute, ExecuteError, Interruption};
use uuid::Uuid;

use crate::accounts::{Command, STREAM};
use crate::bank::{LIMIT, Replica, context};
use crate::database::{AccountRows, ReadDatabase};
use crate::workers::Running;

fn access_denied(right: Right) -> StoreError {
    Refusal::AccessDenied(right).into()
}

#[tokio::test]
async fn what_may_not_be_read_is_named() {
    let denied = vec![Denied::ReadStream(STREAM.to_owned()), Denied::ReadAll];
    let store = TestEventStore::start_denying(denied).await;
    let event_store = EventStore::new(store.connection_string()).unwrap();
    let read = access_denied(Right::Read(STREAM.to_owned()));
    assert_eq!(event_store.last_event(STREAM).await.err(), Some(read.clone()));
    assert_eq!(event_store.subscribe(STREAM, None).await.err(), Some(read));
    assert_eq!(event_store.subscribe_to_all(&[STREAM], None).await.err(), Some(access_denied(Right::ReadAll)));
}

/// It is found before any command is.
#[tokio::test]
async fn an_executor_that_may_not_append_says_so_at_its_start() {
    let store = TestEventStore::start_denying(vec![Denied::AppendStream(STREAM.to_owned())]).await;
    let replica = Replica::start_disconnected(store.connection_string());
    let denied = access_denied(Right::Append(STREAM.to_owned()));
    eventually("the right is named", LIMIT, async || replica.handle.outage() == Some(denied.clone())).await;
    let answer = replica.handle.execute(Command::Deposit { account: Uuid::now_v7(), amount: 1 }, context()).await;
    assert!(matches!(answer, Err(ExecuteError::Interrupted(Interruption::Refused(_)))), "{answer:?}");
}

#[tokio::test]
async fn a_projector_that_may_not_read_says_so() {
    let store = TestEventStore::start_denying(vec![Denied::ReadStream(STREAM.to_owned())]).await;
    let database = ReadDatabase::create().await;
    let projector = Running::projector(AccountRows, &store, &database);
    let denied = access_denied(Right::Read(STREAM.to_owned())).to_string();
    eventually("the right is named", LIMIT, async || projector.handle.trouble() == Some(denied.clone())).await;
    projector.stop().await;
}
