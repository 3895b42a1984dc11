//! The one thread that writes. It takes all requests that wait, decides and stores them in one transaction, and answers
//! them once that transaction is on disk.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot, watch};

use super::LogError;
use super::event::NewEvent;
use super::recent::RecentEvents;
use super::session::{Command, Operation, Session, WriteOutcome};
use super::snapshot::Snapshot;
use super::state::State;
use crate::meters::WriterMeters;

/// Limits on one transaction: with more waiting, the next one follows at once.
const MAX_BATCH_REQUESTS: usize = 512;
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// A write and where its outcome goes.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Result<WriteOutcome, LogError>>,
}

/// What the writer thread is told.
#[derive(Debug)]
pub(super) enum Message {
    Write(Request),
    /// Finish what was queued before, and end.
    Stop,
}

impl Request {
    fn size(&self) -> usize {
        match &self.command.operation {
            Operation::Append(events) => events.iter().map(NewEvent::size).sum(),
            Operation::Delete | Operation::Tombstone => 0,
        }
    }
}

/// How long the writer waits for more in strict mode, so that what is sent together is decided together.
const STRICT_LINGER: Duration = Duration::from_millis(1);

pub(super) struct Writer {
    connection: Connection,
    strict: bool,
    recent: Arc<RecentEvents>,
    head: watch::Sender<u64>,
    state: State,
    meters: WriterMeters,
}

impl Writer {
    pub(super) fn new(connection: Connection, strict: bool) -> Result<Self, rusqlite::Error> {
        let snapshot = Snapshot::new(&connection);
        let head = snapshot.head()?;
        let state = State::new(snapshot.end()?, snapshot.last_created()?);
        let recent = Arc::new(RecentEvents::new(head));
        let mut writer =
            Self { connection, strict, recent, head: watch::Sender::new(head), state, meters: WriterMeters::new() };
        if head == 0 {
            writer.begin_log()?;
        }
        Ok(writer)
    }

    fn begin_log(&mut self) -> Result<(), rusqlite::Error> {
        let transaction = self.connection.unchecked_transaction()?;
        Session::new(&transaction, &mut self.state).begin_log()?;
        transaction.commit()?;
        self.publish();
        Ok(())
    }

    pub(super) fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    pub(super) fn recent(&self) -> Arc<RecentEvents> {
        Arc::clone(&self.recent)
    }

    /// Serves requests until it is told to stop or every sender is gone.
    ///
    /// # Errors
    ///
    /// An error after which it is not known what is on disk. It stops the log: what was acknowledged is safe, and
    /// reopening the file tells what else is in it.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Message>) -> Result<(), LogError> {
        let mut batch = Vec::new();
        let mut stopping = false;
        while !stopping && let Some(first) = queue.blocking_recv() {
            if self.strict {
                std::thread::sleep(STRICT_LINGER);
            }
            let mut bytes = 0;
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Write(request) => {
                        bytes += request.size();
                        batch.push(request);
                    }
                    Message::Stop => stopping = true,
                }
                let full = batch.len() >= MAX_BATCH_REQUESTS || bytes >= MAX_BATCH_BYTES;
                next = if full || stopping { None } else { queue.try_recv().ok() };
            }
            self.serve(&mut batch)?;
        }
        // The file is complete without this; it only makes the next start faster.
        if let Err(error) = self.connection.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
            tracing::debug!(error = %error, "the write-ahead log was not folded in at shutdown");
        }
        Ok(())
    }

    fn serve(&mut self, batch: &mut Vec<Request>) -> Result<(), LogError> {
        // A caller that has gone away before its write began does not want it any more.
        batch.retain(|request| !request.reply.is_closed());
        match self.commit(batch) {
            Ok(outcomes) => {
                self.publish();
                let mut answers: Vec<_> = batch.drain(..).zip(outcomes).collect();
                if self.strict {
                    // EventStoreDB refuses at once, and confirms only when all is on disk.
                    answers.sort_by_key(|(_, outcome)| matches!(outcome, WriteOutcome::Done { .. }));
                }
                for (request, outcome) in answers {
                    // The caller may have gone; the outcome stands.
                    let _ = request.reply.send(Ok(outcome));
                }
                Ok(())
            }
            Err(error) => {
                self.meters.failures.inc();
                let can_go_on = self.roll_back(&error);
                let error = Arc::new(error);
                tracing::error!(error = %error, "events could not be stored");
                for request in batch.drain(..) {
                    let _ = request.reply.send(Err(LogError::Storage(Arc::clone(&error))));
                }
                if can_go_on { Ok(()) } else { Err(LogError::Storage(error)) }
            }
        }
    }

    fn commit(&mut self, batch: &mut [Request]) -> Result<Vec<WriteOutcome>, rusqlite::Error> {
        let transaction = self.connection.unchecked_transaction()?;
        let mut session = Session::new(&transaction, &mut self.state);
        let outcomes =
            batch.iter_mut().map(|request| session.apply(&mut request.command)).collect::<Result<Vec<_>, _>>()?;
        let committed = self.meters.duration.start_timer();
        transaction.commit()?;
        committed.observe_duration();
        self.meters.commits.inc();
        self.meters.requests.observe(outcomes.len() as f64);
        Ok(outcomes)
    }

    fn publish(&mut self) {
        let committed = self.state.committed();
        let Some(position) = committed.last().map(|event| event.position) else {
            return;
        };
        // First the events, then the news of them: whoever hears it finds them there.
        self.recent.publish(committed);
        self.head.send_replace(position);
    }

    /// Forgets what was not committed. False if it is uncertain what is on disk.
    fn roll_back(&mut self, error: &rusqlite::Error) -> bool {
        self.state.forget_uncommitted();
        let harmless = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::TooBig)
        );
        let rolled_back = self.connection.is_autocommit() || self.connection.execute_batch("ROLLBACK").is_ok();
        harmless && rolled_back
    }
}
