//! An instance of a reader, from outside: whether it leads, what keeps it from working, and what can be asked of it.

mod mailbox;
mod operation;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use shared_kernel::Revision;
use shared_telemetry::table::READER_FAILURES;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::event_store::StoreError;
use crate::parking::DiscardedEvent;
use crate::postgres::{Database, DatabaseError, Dedicated};
use crate::reader::MOST_UNFINISHED;
use mailbox::Mailbox;
pub use operation::{Discard, NotCarriedOut, Replayed, ReplayedPart, Request, ResumeFrom};
use operation::{Operation, Requests};

/// How often an instance that does not lead tries to.
const LEADERSHIP_POLL: Duration = Duration::from_millis(500);
/// Requests that wait at most.
pub(crate) const QUEUED_REQUESTS: usize = 4;

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

/// That reactions wait for an operator's word, because the event store holds another history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halted {
    /// What is different in it.
    pub difference: String,
    /// Since when they wait.
    pub since: Timestamp,
}

/// What a worker has in hand while it leads.
#[derive(Clone, Default)]
pub(crate) struct InHand(Arc<Mutex<Hands>>);

#[derive(Default)]
struct Hands {
    unfinished: usize,
    /// While it waits for an operator's word.
    halted: Option<Halted>,
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
        let mut hands = self.hands();
        let since = hands.halted.as_ref().map_or_else(Timestamp::now, |halted| halted.since);
        hands.halted.replace(Halted { difference: difference.to_owned(), since }).is_none()
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
    name: &'static str,
    database: Database,
    state: watch::Receiver<WorkerState>,
    trouble: watch::Receiver<Option<String>>,
    requests: Requests,
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

    /// How many events it has read that are neither reacted to nor parked.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.in_hand.hands().unfinished
    }

    /// Whether it has as many events in hand as it takes, and reads no more until some of them are reacted to.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.in_hand() >= MOST_UNFINISHED
    }

    /// Why it waits for an operator's word ([`WorkerHandle::resume`]), and since when. `None` if it does not, or does not
    /// lead.
    #[must_use]
    pub fn halted(&self) -> Option<Halted> {
        if self.state() == WorkerState::Leading { self.in_hand.hands().halted.clone() } else { None }
    }

    /// Lets it react to the history that the event store holds, although it is not the one that was reacted to before, in
    /// whichever instance leads.
    ///
    /// # Errors
    /// [`NotCarriedOut`] if none leads, does not wait for that, or does not do it within `limit`.
    pub async fn resume(&self, from: ResumeFrom, limit: Duration) -> Result<(), NotCarriedOut> {
        self.ask(Operation::Resume(from), limit).await
    }

    /// Processes the parked events again, in order, in whichever instance leads.
    ///
    /// # Errors
    /// [`NotCarriedOut`] if none leads, has no time, or does not come to the end of the first hundred within `limit`.
    pub async fn replay(&self, limit: Duration) -> Result<Replayed, NotCarriedOut> {
        self.ask(Operation::Replay, limit).await
    }

    /// Takes a parked event out for good, in whichever instance leads. What waits behind it stays parked. Answers what
    /// was taken out: nothing if it was not parked.
    ///
    /// # Errors
    /// [`NotCarriedOut`] if none leads, has no time, or does not come to an end within `limit`.
    pub async fn discard(&self, discard: Discard, limit: Duration) -> Result<Vec<DiscardedEvent>, NotCarriedOut> {
        self.ask(Operation::Discard(discard), limit).await
    }

    async fn ask<T: DeserializeOwned>(&self, operation: Operation, limit: Duration) -> Result<T, NotCarriedOut> {
        let outcome = if self.state() == WorkerState::Leading {
            self.requests.carry_out(operation, limit).await?
        } else {
            mailbox::ask(&self.database, self.name, &operation, limit).await?
        };
        serde_json::from_value(outcome).map_err(|_| NotCarriedOut::OtherVersion)
    }
}

/// An instance of a reader: leads, or stands by until it can.
pub(crate) struct Worker {
    name: &'static str,
    database: Database,
    state: watch::Sender<WorkerState>,
    trouble: watch::Sender<Option<String>>,
    requests: mpsc::Receiver<Request>,
    mailbox: Mailbox,
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
            name,
            database: database.clone(),
            state: watched,
            trouble: watched_trouble,
            requests: Requests(request_sender.clone()),
            in_hand: in_hand.clone(),
        };
        let mailbox = Mailbox { reader: name, database: database.clone(), requests: Requests(request_sender) };
        (Self { name, database, state, trouble, requests, mailbox, in_hand }, handle)
    }

    /// What it is asked while it leads: by its own instance, and by others, as long as the second part is polled.
    pub(crate) fn asked(&mut self) -> (&mut mpsc::Receiver<Request>, impl Future<Output = Infallible>) {
        (&mut self.requests, self.mailbox.serve())
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
        READER_FAILURES.of([self.name]).inc();
        self.in_hand.is_empty();
        self.state.send_replace(WorkerState::Waiting);
        let reason = error.to_string();
        self.trouble.send_if_modified(|trouble| {
            let is_new = trouble.as_ref() != Some(&reason);
            if is_new {
                if matches!(error, WorkError::Store(error) if error.is_deletion()) {
                    tracing::error!(reader = self.name, %error, "the stream was deleted; waiting until it is brought back");
                } else {
                    tracing::warn!(reader = self.name, %error, "stopped; starting over");
                }
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
