//! Projectors and reactors, running.

use std::time::Duration;

use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::reader::{Projection, Projector, Reaction, Reactor, Reader, Work};
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
        Self::of(Projector::new(projection, STREAM, EventStore::new(address).unwrap(), database.database.clone()))
    }

    pub(crate) fn reactor(reaction: impl Reaction, store: &TestEventStore, database: &ReadDatabase) -> Self {
        Self::reactor_at(reaction, store.connection_string(), database)
    }

    pub(crate) fn reactor_at(reaction: impl Reaction, address: &str, database: &ReadDatabase) -> Self {
        Self::of(Reactor::new(reaction, STREAM, EventStore::new(address).unwrap(), database.database.clone()))
    }

    fn of((reader, handle): (Reader<impl Work>, WorkerHandle)) -> Self {
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(reader.run(shutdown.clone()));
        Self { handle, task, shutdown: shutdown.drop_guard() }
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
