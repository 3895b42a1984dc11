//! How far the readers of a stream have come, for operators.

use shared_kernel::Revision;

use crate::checkpoint::Checkpoint;
use crate::event_store::{EventStore, Refusal, StoreError};
use crate::parking::Count;
use crate::postgres::Database;
use crate::worker::WorkError;

/// How far a reader of a stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The newest event that it has done with; `None` before the first.
    pub checkpoint: Option<Revision>,
    /// How many events of the stream it has not looked at yet.
    pub behind: u64,
    /// How many it could not process, and has put aside.
    pub parked: usize,
}

impl Progress {
    /// How far the reader with this name has come in its stream, whichever instance works.
    ///
    /// # Errors
    /// [`WorkError`] if PostgreSQL or the event store cannot be asked.
    pub async fn of(
        reader: &str,
        stream: &str,
        event_store: &EventStore,
        database: &Database,
    ) -> Result<Self, WorkError> {
        let client = database.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT coalesce((SELECT revision FROM checkpoints WHERE name = $1), -1),
                        (SELECT count(*) FROM parked_events WHERE reader = $1)",
            )
            .await?;
        let row = client.query_one(&statement, &[&reader]).await?;
        let Checkpoint(checkpoint) = row.try_get(0)?;
        let Count(parked) = row.try_get(1)?;
        // Read after the checkpoint, which can thus not be beyond it.
        let last = event_store.last_revision(stream).await?;
        if checkpoint > last {
            let difference = "it ends before the event up to which it was read".to_owned();
            return Err(StoreError::from(Refusal::OtherHistory { stream: stream.to_owned(), difference }).into());
        }
        let count = |revision: Option<Revision>| revision.map_or(0, |revision| revision.0 + 1);
        Ok(Self { checkpoint, behind: count(last).saturating_sub(count(checkpoint)), parked })
    }
}
