//! An instance of a reader, from outside: whether it leads, what keeps it from working, and how it is asked to replay.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use shared_kernel::Revision;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::event_store::StoreError;
use crate::postgres::{Database, DatabaseError, Dedicated};
use crate::reader::MOST_UNFINISHED;

/// How often an instance that does not lead tries to.
const LEADERSHIP_POLL: Duration = Duration::from_millis(500);
/// Requests that wait at most.
const QUEUED_REQUESTS: usize = 4;

/// Why a reader of a stream stopped. It starts over by itself.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// PostgreSQL's part.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The event store's part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another instance has moved the checkpoint.
    #[error("another instance has taken over")]
    Fenced,
}

impl From<tokio_postgres::Error> for WorkError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkerState {
    /// It cannot reach something that it needs.
    Waiting,
    /// Another instance works; this one takes over when that one stops.
    StandingBy,
    /// It works.
    Leading,
}

/// How many parked events were replayed, and how many are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// Processed now.
    pub replayed: usize,
    /// Tried, and still parked.
    pub still_parked: usize,
    /// Not looked at: there are more than one replay takes. Replay again.
    pub beyond_limit: usize,
}

/// Why parked events were not replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayed {
    /// Another instance works, or none.
    #[error("it does not lead in this instance at the moment; ask the one that leads")]
    NotLeading,
    /// As many requests as may wait do so already.
    #[error("it is busy with earlier requests to replay; ask again later")]
    Busy,
    /// It goes on after the caller has stopped waiting.
    #[error("it takes longer than a request may, and goes on; look at the list of parked events")]
    TookTooLong,
    /// It stopped in the midst of it. What was replayed until then stands.
    #[error("it was interrupted; look at the list of parked events, and replay again")]
    Interrupted,
}

/// What an operator asks of a worker that leads.
pub enum Request {
    /// To process the parked events again.
    Replay(oneshot::Sender<Replayed>),
    /// To react to another history than before.
    Resume {
        /// From where.
        from: ResumeFrom,
        /// Hears that it was done.
        reply: oneshot::Sender<()>,
    },
}

/// From where on another history is reacted to. What was parked of the history before is let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResumeFrom {
    /// From its first event on: whatever was reacted to is reacted to once more.
    #[default]
    Beginning,
    /// From its present end on: what is in it counts as done.
    End,
}

/// Why reactions did not resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotResumed {
    /// Another instance works, or none.
    #[error("it does not lead in this instance at the moment; ask the one that leads")]
    NotLeading,
    /// It does not wait for that.
    #[error("it does not wait for anybody's word")]
    NotHalted,
    /// It could not be done, or not in time.
    #[error("it was interrupted; look whether it still waits, and ask again")]
    Interrupted,
}

/// An event that was not reacted to yet although that was tried.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Retrying {
    /// What it is about.
    pub key: Uuid,
    /// Its number in the stream.
    pub event_number: Revision,
    /// Its type; empty for a parked event that could not be read yet.
    pub event_type: String,
    /// What is missing until then.
    pub missing: &'static str,
    /// When it could not be reacted to for the first time, since this instance leads.
    pub since: Timestamp,
    /// How often it was tried since then.
    pub attempts: usize,
    /// Why it did not succeed the last time.
    pub reason: String,
}

/// What a worker has in hand while it leads.
#[derive(Clone, Default)]
pub(crate) struct InHand(Arc<Mutex<Hands>>);

#[derive(Default)]
struct Hands {
    unfinished: usize,
    /// What is different in another history, while it waits for an operator's word.
    halted: Option<String>,
    /// By what they are about: of each lane the one that is tried.
    retrying: BTreeMap<Uuid, Retrying>,
}

impl InHand {
    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that nothing is in hand.
    pub(crate) fn is_empty(&self) {
        let mut hands = self.hands();
        (hands.unfinished, hands.retrying) = (0, BTreeMap::new());
    }

    /// Notes how many events of the stream are neither reacted to nor parked.
    pub(crate) fn are_unfinished(&self, unfinished: usize) {
        self.hands().unfinished = unfinished;
    }

    /// Notes that an event is tried again.
    pub(crate) fn is_retried(&self, retrying: Retrying) {
        let mut hands = self.hands();
        let known = hands.retrying.get(&retrying.key);
        let since = known.filter(|known| known.event_number == retrying.event_number).map(|known| known.since);
        hands.retrying.insert(retrying.key, Retrying { since: since.unwrap_or(retrying.since), ..retrying });
    }

    /// Notes that it waits for an operator's word. Answers whether that is news.
    pub(crate) fn is_halted(&self, difference: &str) -> bool {
        self.hands().halted.replace(difference.to_owned()).is_none()
    }

    /// Notes that it does not wait for an operator's word.
    pub(crate) fn is_not_halted(&self) {
        self.hands().halted = None;
    }

    /// Notes that nothing about a thing is tried again any more.
    pub(crate) fn is_done(&self, key: Uuid) {
        self.hands().retrying.remove(&key);
    }
}

/// Watches and directs a worker.
#[derive(Clone)]
pub struct WorkerHandle {
    state: watch::Receiver<WorkerState>,
    trouble: watch::Receiver<Option<String>>,
    requests: mpsc::Sender<Request>,
    in_hand: InHand,
}

impl WorkerHandle {
    /// What the worker is doing.
    #[must_use]
    pub fn state(&self) -> WorkerState {
        *self.state.borrow()
    }

    /// Why it stopped the last time; `None` while it works.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }

    /// The events that are tried again and again without success, the oldest first: of each thing the first. Empty
    /// unless this instance leads.
    #[must_use]
    pub fn retrying(&self) -> Vec<Retrying> {
        let mut retrying: Vec<_> = self.in_hand.hands().retrying.values().cloned().collect();
        retrying.sort_by_key(|retrying| retrying.event_number);
        retrying
    }

    /// Whether it has as many events in hand as it takes, and reads no more until some of them are reacted to.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.in_hand.hands().unfinished >= MOST_UNFINISHED
    }

    /// Why it waits for an operator's word ([`WorkerHandle::resume`]): what is different in the history that the event
    /// store holds. `None` if it does not, or does not lead.
    #[must_use]
    pub fn halted(&self) -> Option<String> {
        if self.state() == WorkerState::Leading { self.in_hand.hands().halted.clone() } else { None }
    }

    /// Lets it react to the history that the event store holds, although it is not the one that was reacted to before.
    ///
    /// # Errors
    /// [`NotResumed`] if this instance does not lead, does not wait for that, or does not do it within `limit`.
    pub async fn resume(&self, from: ResumeFrom, limit: Duration) -> Result<(), NotResumed> {
        if self.state() != WorkerState::Leading {
            return Err(NotResumed::NotLeading);
        }
        if self.halted().is_none() {
            return Err(NotResumed::NotHalted);
        }
        let (reply, answer) = oneshot::channel();
        self.requests.try_send(Request::Resume { from, reply }).map_err(|_| NotResumed::Interrupted)?;
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NotResumed::Interrupted),
        }
    }

    /// Processes the parked events again, in order.
    ///
    /// # Errors
    /// [`NotReplayed`] if this instance does not lead, has no time, or does not come to an end within `limit`.
    pub async fn replay(&self, limit: Duration) -> Result<Replayed, NotReplayed> {
        if self.state() != WorkerState::Leading {
            return Err(NotReplayed::NotLeading);
        }
        let (reply, answer) = oneshot::channel();
        self.requests.try_send(Request::Replay(reply)).map_err(|_| NotReplayed::Busy)?;
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer.map_err(|_| NotReplayed::Interrupted),
            Err(_) => Err(NotReplayed::TookTooLong),
        }
    }
}

/// An instance of a reader: leads, or stands by until it can.
pub(crate) struct Worker {
    name: &'static str,
    database: Database,
    state: watch::Sender<WorkerState>,
    trouble: watch::Sender<Option<String>>,
    /// Requests that are answered while it leads.
    pub(crate) requests: mpsc::Receiver<Request>,
    /// What it has in hand while it leads.
    pub(crate) in_hand: InHand,
}

impl Worker {
    pub(crate) fn new(name: &'static str, database: Database) -> (Self, WorkerHandle) {
        let (state, watched) = watch::channel(WorkerState::Waiting);
        let (trouble, watched_trouble) = watch::channel(None);
        let (request_sender, requests) = mpsc::channel(QUEUED_REQUESTS);
        let in_hand = InHand::default();
        let handle = WorkerHandle {
            state: watched,
            trouble: watched_trouble,
            requests: request_sender,
            in_hand: in_hand.clone(),
        };
        (Self { name, database, state, trouble, requests, in_hand }, handle)
    }

    /// Notes that it does not work any more.
    pub(crate) fn ends(&self) {
        self.in_hand.is_empty();
        self.in_hand.is_not_halted();
        self.state.send_replace(WorkerState::Waiting);
    }

    /// Notes that it has worked for a while: whatever stops it next is news.
    pub(crate) fn has_worked(&self) {
        self.trouble.send_replace(None);
    }

    /// Says why it has stopped, and logs it once for each reason: it starts over until it succeeds.
    pub(crate) fn has_stopped(&self, error: &WorkError) {
        self.in_hand.is_empty();
        self.state.send_replace(WorkerState::Waiting);
        let reason = error.to_string();
        self.trouble.send_if_modified(|trouble| {
            let is_new = trouble.as_ref() != Some(&reason);
            if is_new {
                tracing::warn!(reader = self.name, %error, "stopped; starting over");
                *trouble = Some(reason);
            }
            is_new
        });
    }

    /// Waits to be the only leading instance. The lock is the connection's: it is lost with it.
    pub(crate) async fn lead(&self) -> Result<Dedicated, WorkError> {
        let connection = self.database.dedicated(|_| {}).await?;
        let client = &connection.client;
        // Rows and checkpoint commit together, so what a crash of PostgreSQL loses is read from the stream again.
        client.batch_execute("SET synchronous_commit = off").await?;
        loop {
            let row = client.query_one("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", &[&self.name]).await?;
            if row.try_get(0)? {
                tracing::info!(reader = self.name, "leading");
                self.state.send_replace(WorkerState::Leading);
                return Ok(connection);
            }
            if self.state.send_replace(WorkerState::StandingBy) != WorkerState::StandingBy {
                tracing::info!(reader = self.name, "standing by: another instance leads");
            }
            tokio::time::sleep(LEADERSHIP_POLL).await;
        }
    }
}
