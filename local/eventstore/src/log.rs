//! The event log: what is stored, in one total order, and how it is read and written.
//!
//! One thread writes, with one transaction for all requests that wait. Reads take a snapshot each, on a few connections
//! of their own. What was committed last is kept in memory for live subscriptions.

mod event;
mod metadata;
mod range;
mod reader;
mod recent;
mod remembered;
mod schema;
mod session;
mod snapshot;
mod state;
mod store;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use event::{NewEvent, Resolved, StoredEvent, is_link};
pub(crate) use metadata::TOMBSTONE_REVISION;
pub(crate) use range::StreamRange;
use reader::ReaderPool;
pub(crate) use recent::RecentEvents;
pub(crate) use schema::{OpenError, VERSION as LOG_VERSION};
pub(crate) use session::{Command, Operation, WriteOutcome};
pub(crate) use snapshot::{AtPosition, Considered, Direction, Snapshot, is_hidden, ticks_now};
use writer::{Message, Request, Writer};

/// The file of the log in its folder.
pub(crate) const LOG_FILE: &str = "events.db";

/// Write requests that may wait for the writer thread; beyond it, callers wait to be queued.
const WRITE_QUEUE: usize = 1024;

/// Why the log could not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// The database refused; nothing of the request was stored.
    #[error("the event log could not be read or written")]
    Storage(#[source] Arc<rusqlite::Error>),
    /// The log is shutting down, or stopped after an error that makes its state uncertain.
    #[error("the event log is closed")]
    Closed,
}

impl From<rusqlite::Error> for LogError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(Arc::new(error))
    }
}

/// A handle on the log, for all requests.
#[derive(Debug, Clone)]
pub(crate) struct EventLog {
    requests: mpsc::Sender<Message>,
    readers: ReaderPool,
    recent: Arc<RecentEvents>,
    head: watch::Receiver<u64>,
}

/// The writer thread.
#[derive(Debug)]
pub(crate) struct WriterThread {
    thread: JoinHandle<Result<(), LogError>>,
    ended: CancellationToken,
}

impl WriterThread {
    /// Waits until it has ended: everything queued before is on disk. Blocks.
    ///
    /// # Errors
    ///
    /// The error that ended it.
    pub(crate) fn join(self) -> Result<(), LogError> {
        self.thread.join().unwrap_or(Err(LogError::Closed))
    }

    /// Cancelled when the thread has ended, for whatever reason.
    pub(crate) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }
}

impl EventLog {
    /// Opens or creates the log in `directory` and starts its writer. Blocks.
    ///
    /// In strict mode a refusal overtakes the success of a write before it, as in EventStoreDB.
    pub(crate) fn open(directory: &Path, strict: bool) -> Result<(Self, WriterThread), OpenError> {
        let file: PathBuf = directory.join(LOG_FILE);
        let connection = schema::open(&file)?;
        let (requests, queue) = mpsc::channel(WRITE_QUEUE);
        let writer = Writer::new(connection, strict)?;
        let (head, recent) = (writer.head(), writer.recent());
        let readers = ReaderPool::open(&file)?;
        let ended = CancellationToken::new();
        let end = ended.clone().drop_guard();
        let thread = std::thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || {
                let _end = end;
                writer.run(queue)
            })
            .map_err(OpenError::Thread)?;
        let log = Self { requests, readers, recent, head };
        Ok((log, WriterThread { thread, ended }))
    }

    /// Queues a write and returns where its outcome will arrive. Writes take effect in the order in which they are
    /// queued. Dropping the receiver abandons a write that has not begun.
    pub(crate) async fn submit(
        &self,
        command: Command,
    ) -> Result<oneshot::Receiver<Result<WriteOutcome, LogError>>, LogError> {
        let (reply, outcome) = oneshot::channel();
        let request = Request { command, reply };
        match self.requests.send(Message::Write(request)).await {
            Ok(()) => Ok(outcome),
            Err(_) => Err(LogError::Closed),
        }
    }

    /// Writes, and returns once the outcome is on disk.
    pub(crate) async fn write(&self, command: Command) -> Result<WriteOutcome, LogError> {
        let outcome = self.submit(command).await?;
        outcome.await.unwrap_or(Err(LogError::Closed))
    }

    /// Ends the writer once everything queued so far is on disk.
    pub(crate) async fn stop(&self) {
        // An error means that it has ended already.
        let _ = self.requests.send(Message::Stop).await;
    }

    /// Runs `query` on a consistent snapshot of the log, on a thread where it may block.
    pub(crate) async fn read<T, F>(&self, query: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: FnOnce(&Snapshot<'_>) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        self.readers.read(query).await
    }

    pub(crate) fn recent(&self) -> &RecentEvents {
        &self.recent
    }

    /// The position of the last committed event, 0 when there is none; changes with every commit.
    pub(crate) fn head(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }
}
