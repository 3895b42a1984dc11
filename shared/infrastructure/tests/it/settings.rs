//! What an operator may change.

use jetbridge_testing::{TestDatabase, TestEventStore};
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::executor::{Executor, ExecutorSettings};
use shared_infrastructure::ledger::Ledger;
use shared_infrastructure::postgres::{Database, DatabaseError};
use shared_kernel::{Execute, ExecuteError, Interruption};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::accounts::{Accounts, Command, STREAM};
use crate::bank::context;

#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_refused_at_once() {
    let store = TestEventStore::start().await;
    let event_store = EventStore::new(store.connection_string()).unwrap();
    let settings = ExecutorSettings { command_queue: 2, ..ExecutorSettings::default() };
    let (executor, handle) = Executor::<Accounts>::new(STREAM, &event_store, Ledger::default(), settings);
    let deposit = || handle.execute(Command::Deposit { account: Uuid::now_v7(), amount: 1 }, context());
    // The executor does not run, so that the first two wait.
    let (first, second, third) = tokio::join!(biased; deposit(), deposit(), async {
        let third = deposit().await;
        let stopped = CancellationToken::new();
        stopped.cancel();
        executor.run(stopped).await;
        third
    });
    assert_eq!(third.err(), Some(ExecuteError::Interrupted(Interruption::Overloaded)));
    for refused in [first, second] {
        assert!(matches!(refused, Err(ExecuteError::Interrupted(Interruption::Unavailable(_)))), "{refused:?}");
    }
}

#[tokio::test]
async fn requests_share_as_many_connections_as_they_may() {
    let database = TestDatabase::create().await;
    let database = Database::with_connections(&database.url(), 2).unwrap();
    let (first, _second) = (database.client().await.unwrap(), database.client().await.unwrap());
    assert!(matches!(database.client().await, Err(DatabaseError::Unavailable(_))));
    drop(first);
    drop(database.client().await.unwrap());
}
