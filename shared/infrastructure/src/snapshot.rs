//! Snapshots of a domain's folded state, so that a start reads only the tail of the stream.
//!
//! They only save time. One that is missing, unreadable, of another version of the software, or not of this event store
//! is not used, and the stream is folded from its beginning.

use std::sync::Arc;
use std::time::Duration;

use shared_kernel::{Decider, DomainEvent};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::event_store::{EventStore, StoreError};
use crate::executor::ExecutorHandle;
use crate::ledger::Ledger;
use crate::postgres::{Database, DatabaseError, StoredRevision, to_bigint};

/// Raised by hand when a state comes to mean something else, or other events are read into it, although the versions of
/// the events are the same.
const STATE_FORMAT: u32 = 3;
/// How long a start waits for a snapshot.
const LOAD_LIMIT: Duration = Duration::from_secs(10);
const SAVE_LIMIT: Duration = Duration::from_secs(60);
const SAVE_INTERVAL: Duration = Duration::from_secs(30);
/// How many events have to be new for another snapshot to be worth its while.
const EVENTS_BETWEEN: u64 = 20_000;
/// PostgreSQL holds up to 1 GiB in one value, on paper; what is larger than this is not kept.
const MAX_BYTES: usize = 512 * 1024 * 1024;

/// Keeps a domain's snapshot in its database.
pub struct Snapshots {
    database: Database,
    event_store: EventStore,
    stream: &'static str,
}

/// Why a snapshot is not used or saved.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("it does not belong to this event store")]
    OtherEventStore,
    #[error("the event store cannot be asked about it: {0}")]
    EventStore(#[from] StoreError),
    #[error("it is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("it has {0} bytes, which is more than is kept")]
    TooLarge(usize),
    #[error("it was abandoned")]
    Abandoned,
}

/// What a snapshot is of. One of another format is not read: a state that means something else would be worse than
/// none. Each event type and schema version makes another format: software that did not know it has left such events
/// out of its snapshots.
fn format(versions: &[(&str, u32)]) -> String {
    format!("{}/{STATE_FORMAT}.{}", env!("CARGO_PKG_VERSION"), versions.len())
}

impl From<tokio_postgres::Error> for Unusable {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Snapshots {
    /// Snapshots of `stream` in `database`, whose migrations may still have to run.
    #[must_use]
    pub const fn new(database: Database, event_store: EventStore, stream: &'static str) -> Self {
        Self { database, event_store, stream }
    }

    /// The newest snapshot, or an empty ledger if there is none that can be used.
    pub async fn load<D: Decider>(&self) -> Ledger<D> {
        match timeout(LOAD_LIMIT, self.find()).await {
            Ok(Ok(Some(ledger))) => {
                tracing::info!(stream = self.stream, stream.revision = ?ledger.revision(), "starting from a snapshot");
                ledger
            }
            Ok(Ok(None)) => Ledger::default(),
            Ok(Err(reason)) => {
                tracing::info!(stream = self.stream, %reason, "starting without the snapshot");
                Ledger::default()
            }
            Err(_) => {
                tracing::info!(stream = self.stream, "starting without the snapshot: it takes too long to read");
                Ledger::default()
            }
        }
    }

    async fn find<D: Decider>(&self) -> Result<Option<Ledger<D>>, Unusable> {
        let client = self.database.client().await?;
        let sql = "SELECT revision, event_id, state FROM snapshots WHERE stream = $1 AND format = $2";
        let Some(row) = client.query_opt(sql, &[&self.stream, &format(D::Event::VERSIONS)]).await? else {
            return Ok(None);
        };
        let StoredRevision(revision) = row.try_get(0)?;
        let event_id: Uuid = row.try_get(1)?;
        match self.event_store.event_at(self.stream, revision).await {
            Ok(event) if event.event_id == event_id => {}
            Ok(_) | Err(StoreError::Refused(_)) => return Err(Unusable::OtherEventStore),
            Err(error) => return Err(error.into()),
        }
        let state: Vec<u8> = row.try_get(2)?;
        Ok(Some(Ledger::restore(&state, event_id)?))
    }

    /// Saves a snapshot whenever enough has happened, until `shutdown`.
    pub async fn run<D: Decider>(self, executor: ExecutorHandle<D>, shutdown: CancellationToken) {
        let mut saved = executor.current().next_revision();
        while shutdown.run_until_cancelled(tokio::time::sleep(SAVE_INTERVAL)).await.is_some() {
            let ledger = executor.current();
            if ledger.next_revision().0.saturating_sub(saved.0) < EVENTS_BETWEEN {
                continue;
            }
            let saving = timeout(SAVE_LIMIT, self.save(&ledger));
            match shutdown.run_until_cancelled(saving).await {
                None => return,
                Some(Ok(Ok(()))) => saved = ledger.next_revision(),
                Some(Ok(Err(reason))) => tracing::info!(stream = self.stream, %reason, "could not save a snapshot"),
                Some(Err(_)) => tracing::info!(stream = self.stream, "could not save a snapshot in time"),
            }
        }
    }

    /// Saves a snapshot in place of an older one.
    async fn save<D: Decider>(&self, ledger: &Arc<Ledger<D>>) -> Result<(), Unusable> {
        let Some((revision, event_id)) = ledger.last_event() else { return Ok(()) };
        let shared = Arc::clone(ledger);
        // A large state takes a while to write down, and other tasks should not wait for that.
        let state = tokio::task::spawn_blocking(move || shared.snapshot()).await.map_err(|_| Unusable::Abandoned)??;
        if state.len() > MAX_BYTES {
            return Err(Unusable::TooLarge(state.len()));
        }
        let client = self.database.client().await?;
        client
            .execute(
                "INSERT INTO snapshots (stream, format, revision, event_id, state) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (stream) DO UPDATE SET
                    format = excluded.format, revision = excluded.revision, event_id = excluded.event_id,
                    state = excluded.state, taken_at = now()",
                &[&self.stream, &format(D::Event::VERSIONS), &to_bigint(Some(revision)), &event_id, &state],
            )
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
