//! Snapshots of a domain's folded state, so that a start reads only the tail of the stream.
//!
//! They only save time. One that is missing, unreadable, or of another form is not used, and the stream is folded from
//! its beginning; whether it belongs to this event store is found out by the executor, which starts from it. A snapshot
//! is MessagePack, written and read in pieces, so that it is never held beside the state.

mod pieces;

use std::io::{self, BufReader};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool_postgres::Transaction;
use rmp_serde::decode::Error as DecodeError;
use shared_kernel::{Decider, DomainEvent};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout};
use tokio_postgres::IsolationLevel;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::back_off::BackOff;
use crate::executor::ExecutorHandle;
use crate::ledger::Ledger;
use crate::postgres::{Database, DatabaseError, StoredRevision, to_bigint};
use pieces::{PIECE_BYTES, Piece, PieceReader};

/// Raised by hand when what is stored around the state becomes another: what a ledger remembers beside it.
pub(crate) const LEDGER_FORMAT: u32 = 6;
/// How long a start waits for PostgreSQL before it folds the whole stream instead.
const WAIT_LIMIT: Duration = Duration::from_secs(20);
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long it may take to read one, and to save one, however large it is. PostgreSQL's silence ends it sooner.
const LOAD_LIMIT: Duration = Duration::from_secs(300);
const SAVE_LIMIT: Duration = Duration::from_secs(300);
const SAVE_INTERVAL: Duration = Duration::from_secs(30);
/// How many events have to be new for another snapshot to be worth its while.
const EVENTS_BETWEEN: u64 = 20_000;
/// What is larger than this many pieces is not kept: 4 GiB.
const MOST_PIECES: i32 = 4_096;
/// Held by the one who saves. Any number that nothing else uses.
const SAVING_LOCK: i32 = 0x6a65_7462;

/// Keeps a domain's snapshot in its database.
#[derive(Clone)]
pub struct Snapshots {
    database: Database,
    stream: &'static str,
    most_pieces: i32,
    piece_bytes: usize,
    wait_limit: Duration,
    /// The event after the one up to which the newest snapshot reaches that this process knows of.
    saved: Arc<AtomicU64>,
}

/// What became of a snapshot that was to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It took the place of the one before.
    Done,
    /// Another process saves one at the same time.
    ByAnother,
    /// Nothing has happened yet that would have to be kept.
    Nothing,
}

/// Why a snapshot is not used or saved.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// PostgreSQL.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// It cannot be read, or is not all there.
    #[error("it is malformed: {0}")]
    Malformed(String),
    /// It is too large.
    #[error("it has more than {0} pieces, which is more than is kept")]
    TooLarge(i32),
    /// It takes too long.
    #[error("it takes too long")]
    TooSlow,
    /// Whoever worked on it has ended.
    #[error("it was abandoned")]
    Abandoned,
}

/// What a snapshot is of: the schema of the state, and of what is stored around it. One of another format is not read: a
/// state that means something else would be worse than none. Each event type and schema version makes another format:
/// software that did not know it has left such events out of its snapshots.
fn format<D: Decider>() -> String {
    format!("{LEDGER_FORMAT}.{}.{}", D::STATE_VERSION, D::Event::VERSIONS.len())
}

impl From<tokio_postgres::Error> for Unusable {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<JoinError> for Unusable {
    fn from(_: JoinError) -> Self {
        Self::Abandoned
    }
}

impl From<DecodeError> for Unusable {
    fn from(error: DecodeError) -> Self {
        // Without the value, which may be personal.
        let reason = match error {
            DecodeError::InvalidMarkerRead(error) | DecodeError::InvalidDataRead(error) => error.kind().to_string(),
            DecodeError::TypeMismatch(_)
            | DecodeError::OutOfRange
            | DecodeError::LengthMismatch(_)
            | DecodeError::Uncategorized(_)
            | DecodeError::Syntax(_)
            | DecodeError::Utf8Error(_)
            | DecodeError::DepthLimitExceeded => "a value is not of its kind".to_owned(),
        };
        Self::Malformed(reason)
    }
}

impl Snapshots {
    /// Snapshots of `stream` in `database`, whose migrations may still have to run.
    #[must_use]
    pub fn new(database: Database, stream: &'static str) -> Self {
        Self {
            database,
            stream,
            most_pieces: MOST_PIECES,
            piece_bytes: PIECE_BYTES,
            wait_limit: WAIT_LIMIT,
            saved: Arc::default(),
        }
    }

    /// The same with pieces of another size, and another number of them at most.
    #[must_use]
    pub fn with_pieces(self, most_pieces: i32, piece_bytes: usize) -> Self {
        Self { most_pieces, piece_bytes: piece_bytes.max(1), ..self }
    }

    /// The same with another limit for the wait for PostgreSQL.
    #[must_use]
    pub fn with_wait_limit(self, wait_limit: Duration) -> Self {
        Self { wait_limit, ..self }
    }

    /// The newest snapshot, or none if there is none that can be used. PostgreSQL may be away at the start: it is waited
    /// for, up to a limit.
    pub async fn load<D: Decider>(&self) -> Option<Ledger<D>> {
        let end = Instant::now() + self.wait_limit;
        let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
        loop {
            let found = timeout(LOAD_LIMIT, self.find()).await;
            match found.unwrap_or(Err(Unusable::TooSlow)) {
                Ok(Some(ledger)) => {
                    tracing::info!(stream = self.stream, stream.revision = ?ledger.revision(), "starting from a snapshot");
                    self.saved.store(ledger.next_revision().0, Ordering::Relaxed);
                    return Some(ledger);
                }
                Ok(None) => return None,
                Err(Unusable::Database(DatabaseError::Unavailable(reason))) if Instant::now() < end => {
                    tracing::debug!(stream = self.stream, reason, "waiting for the snapshot");
                    back_off.pause().await;
                }
                Err(reason) => {
                    let stream = self.stream;
                    tracing::warn!(stream, %reason, "starting without the snapshot: the whole stream is read");
                    return None;
                }
            }
        }
    }

    async fn find<D: Decider>(&self) -> Result<Option<Ledger<D>>, Unusable> {
        let mut client = self.database.client().await?;
        if !client.query_one("SELECT to_regclass('ledger_snapshots') IS NOT NULL", &[]).await?.try_get(0)? {
            return Ok(None);
        }
        // So that all that is read is of one snapshot.
        let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let transaction = transaction.start().await?;
        let sql = "SELECT revision, event_id, pieces FROM ledger_snapshots WHERE stream = $1 AND format = $2";
        let Some(row) = transaction.query_opt(sql, &[&self.stream, &format::<D>()]).await? else {
            return Ok(None);
        };
        let StoredRevision(revision) = row.try_get(0)?;
        let (event_id, count): (Uuid, i32) = (row.try_get(1)?, row.try_get(2)?);
        if count > self.most_pieces {
            return Err(Unusable::TooLarge(self.most_pieces));
        }
        let (pieces, reader) = pieces::join();
        // A large state takes a while to read, and other tasks should not wait for that.
        let reading = tokio::task::spawn_blocking(move || read::<D>(reader));
        self.fetch(&transaction, count, pieces).await?;
        let ledger = reading.await??;
        if ledger.last_event() != Some((revision, event_id)) {
            return Err(Unusable::Malformed("it does not end with the event that it says".to_owned()));
        }
        Ok(Some(ledger))
    }

    /// Fetches pieces one by one, as the reader takes them.
    async fn fetch(
        &self,
        transaction: &Transaction<'_>,
        count: i32,
        pieces: mpsc::Sender<Piece>,
    ) -> Result<(), Unusable> {
        let sql = "SELECT content FROM ledger_snapshot_pieces WHERE stream = $1 AND number = $2";
        let statement = transaction.prepare(sql).await?;
        for number in 0..count {
            let Some(row) = transaction.query_opt(&statement, &[&self.stream, &number]).await? else {
                return Err(Unusable::Malformed(format!("piece {number} of {count} is missing")));
            };
            if pieces.send(row.try_get(0)?).await.is_err() {
                // The reader says why it does not want more.
                break;
            }
        }
        Ok(())
    }

    /// Saves a snapshot whenever enough has happened, until `shutdown`.
    pub async fn run<D: Decider>(self, executor: ExecutorHandle<D>, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(SAVE_INTERVAL)).await.is_some() {
            let ledger = executor.current();
            let (next, saved) = (ledger.next_revision().0, self.saved.load(Ordering::Relaxed));
            if next < saved {
                // Of another history.
                self.saved.store(0, Ordering::Relaxed);
            }
            if next.saturating_sub(saved) < EVENTS_BETWEEN {
                continue;
            }
            match shutdown.run_until_cancelled(self.save(&ledger)).await {
                None => return,
                Some(Ok(Saved::Done | Saved::ByAnother | Saved::Nothing)) => {
                    self.saved.store(next, Ordering::Relaxed);
                }
                Some(Err(reason)) => tracing::warn!(stream = self.stream, %reason, "could not save a snapshot"),
            }
        }
    }

    /// Saves a snapshot in place of an older one: all of it or nothing. Whoever reads meanwhile reads the older one.
    ///
    /// # Errors
    /// [`Unusable`].
    pub async fn save<D: Decider>(&self, ledger: &Arc<Ledger<D>>) -> Result<Saved, Unusable> {
        timeout(SAVE_LIMIT, self.replace(ledger)).await.map_err(|_| Unusable::TooSlow)?
    }

    async fn replace<D: Decider>(&self, ledger: &Arc<Ledger<D>>) -> Result<Saved, Unusable> {
        let Some((revision, event_id)) = ledger.last_event() else { return Ok(Saved::Nothing) };
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await?;
        let sql = "SELECT pg_try_advisory_xact_lock($1, hashtext($2))";
        if !transaction.query_one(sql, &[&SAVING_LOCK, &self.stream]).await?.try_get(0)? {
            return Ok(Saved::ByAnother);
        }
        transaction.execute("DELETE FROM ledger_snapshots WHERE stream = $1", &[&self.stream]).await?;
        transaction
            .execute(
                "INSERT INTO ledger_snapshots (stream, format, revision, event_id, pieces) VALUES ($1, $2, $3, $4, 0)",
                &[&self.stream, &format::<D>(), &to_bigint(Some(revision)), &event_id],
            )
            .await?;
        let count = self.store(&transaction, ledger).await?;
        let sql = "UPDATE ledger_snapshots SET pieces = $2 WHERE stream = $1";
        transaction.execute(sql, &[&self.stream, &count]).await?;
        // In the form of earlier versions.
        transaction.execute("DELETE FROM snapshots WHERE stream = $1", &[&self.stream]).await?;
        transaction.commit().await?;
        Ok(Saved::Done)
    }

    /// Stores the pieces one by one, as they are made, and gives how many there are.
    async fn store<D: Decider>(&self, transaction: &Transaction<'_>, ledger: &Arc<Ledger<D>>) -> Result<i32, Unusable> {
        let sql = "INSERT INTO ledger_snapshot_pieces (stream, number, content) VALUES ($1, $2, $3)";
        let statement = transaction.prepare(sql).await?;
        let (mut writer, mut pieces) = pieces::cut(self.piece_bytes);
        let shared = Arc::clone(ledger);
        let writing: JoinHandle<io::Result<()>> = tokio::task::spawn_blocking(move || {
            rmp_serde::encode::write(&mut writer, &*shared).map_err(io::Error::other)?;
            writer.finish()
        });
        let mut count = 0;
        while let Some(piece) = pieces.recv().await {
            if count == self.most_pieces {
                return Err(Unusable::TooLarge(self.most_pieces));
            }
            transaction.execute(&statement, &[&self.stream, &count, &piece]).await?;
            count += 1;
        }
        writing.await?.map_err(|error| Unusable::Malformed(error.to_string()))?;
        Ok(count)
    }
}

/// Reads a ledger. Everything has to be there: a document that ends early is not one.
fn read<D: Decider>(reader: PieceReader) -> Result<Ledger<D>, DecodeError> {
    rmp_serde::from_read(BufReader::new(reader))
}

#[cfg(test)]
mod tests;
