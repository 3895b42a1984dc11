//! Projectors and reactors, running.

use std::time::Duration;

use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::reader::{Projection, Projector, Reaction, Reactor};
use shared_infrastructure::worker::{Replayed, WorkerHandle, WorkerState};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::accounts::STREAM;
use crate::bank::LIMIT;
use crate::database::ReadDatabase;

/// A worker that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) handle: WorkerHandle,
    task: JoinHandle<()>,
    shutdown: DropGuard,
}

impl Running {
    pub(crate) fn projector(projection: impl Projection, store: &TestEventStore, database: &ReadDatabase) -> Self {
        Self::projector_at(projection, store.connection_string(), database)
    }

    pub(crate) fn projector_at(projection: impl Projection, address: &str, database: &ReadDatabase) -> Self {
        let event_store = EventStore::new(address).unwrap();
        let (projector, handle) = Projector::new(projection, STREAM, event_store, database.database.clone());
        Self::spawn(handle, |shutdown| tokio::spawn(projector.run(shutdown)))
    }

    pub(crate) fn reactor(reaction: impl Reaction, store: &TestEventStore, database: &ReadDatabase) -> Self {
        Self::reactor_at(reaction, store.connection_string(), database)
    }

    pub(crate) fn reactor_at(reaction: impl Reaction, address: &str, database: &ReadDatabase) -> Self {
        let event_store = EventStore::new(address).unwrap();
        let (reactor, handle) = Reactor::new(reaction, STREAM, event_store, database.database.clone());
        Self::spawn(handle, |shutdown| tokio::spawn(reactor.run(shutdown)))
    }

    fn spawn(handle: WorkerHandle, spawn: impl FnOnce(CancellationToken) -> JoinHandle<()>) -> Self {
        let shutdown = CancellationToken::new();
        Self { handle, task: spawn(shutdown.clone()), shutdown: shutdown.drop_guard() }
    }

    pub(crate) async fn becomes(&self, state: WorkerState) {
        eventually(&format!("{state:?}"), LIMIT, async || self.handle.state() == state).await;
    }

    pub(crate) async fn replay(&self) -> Replayed {
        let limit = Duration::from_secs(10);
        eventually("the parked events are replayed", LIMIT, async || self.handle.replay(limit).await).await
    }

    pub(crate) async fn stop(self) {
        drop(self.shutdown);
        tokio::time::timeout(LIMIT, self.task).await.expect("the worker stops").unwrap();
    }
}
