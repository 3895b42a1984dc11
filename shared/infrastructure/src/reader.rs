//! A reader of a stream: one instance leads, works on every event in order, and keeps a checkpoint of how far it has
//! come.
//!
//! There are two kinds of work: a [`Projection`] writes rows, and a [`Reaction`] carries out what events mean for
//! others. What cannot be processed is parked, together with what comes after it about the same thing, until it is
//! replayed.

mod batch;
mod projection;
mod reaction;

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use shared_kernel::{DomainEvent, Revision};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_postgres::Statement;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::back_off::BackOff;
use crate::event_store::{Delivery, EventStore, Recorded, Refusal, StoreError};
use crate::limits;
use crate::postgres::{Database, DatabaseError, Dedicated};
use crate::worker::{ReplayRequest, Replayed, WorkError, Worker, WorkerHandle};
use crate::{checkpoint, parking};

pub use batch::{Batch, Numbered, Unprocessable};
use batch::{Outcome, Parked};
pub use projection::{ProjectResult, Projecting, Projection, Projector};
pub use reaction::{Reacting, Reaction, ReactionError, Reactor};

/// How often a checkpoint is saved while there is nothing to work on.
const IDLE_CHECKPOINT_INTERVAL: Duration = Duration::from_secs(2);
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(2);

/// A kind of work: how events are worked on.
pub trait Work: Send + Sync + 'static {
    /// The domain's events.
    type Event: DomainEvent;
    /// The name of the checkpoint, unique in its database.
    const NAME: &'static str;
    /// How many events are looked at together at most.
    const EVENTS_PER_BATCH: usize;

    /// What an event is about: events about the same thing stay in order. `None` if there is nothing to do for it.
    fn key(event: &Self::Event) -> Option<Uuid>;

    /// Works on a batch and settles it. Answers what has parked events since. Dropped wherever it waits when the reader
    /// stops: the batch is worked on again then.
    fn work(
        &self,
        client: &mut ClientWrapper,
        batch: &Batch<'_, Self::Event>,
    ) -> impl Future<Output = Result<Parked, WorkError>> + Send;
}

/// Reads a stream as long as no other instance does.
pub struct Reader<W> {
    worker: Worker,
    reading: Reading<W>,
}

/// Reads once it leads.
struct Reading<W> {
    work: W,
    stream: &'static str,
    event_store: EventStore,
    /// What has parked events: later ones about the same thing wait behind them.
    parked: HashSet<Uuid>,
    /// The newest event that was looked at.
    reached: Option<Revision>,
    /// The checkpoint as it is stored, which may be a little behind.
    saved: Option<Revision>,
    saved_at: Instant,
}

impl<W: Work> Reader<W> {
    /// A reader of `stream` that keeps its checkpoint in `database`, whose migrations have run when it is started.
    pub(crate) fn of(
        work: W,
        stream: &'static str,
        event_store: EventStore,
        database: Database,
    ) -> (Self, WorkerHandle) {
        let (worker, handle) = Worker::new(W::NAME, database);
        let (parked, saved_at) = (HashSet::new(), Instant::now());
        let reading = Reading { work, stream, event_store, parked, reached: None, saved: None, saved_at };
        (Self { worker, reading }, handle)
    }

    /// Leads and reads, again and again, until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
        while let Some(Err(error)) = shutdown.run_until_cancelled(self.lead(&mut back_off)).await {
            self.worker.has_stopped(&error);
            if shutdown.run_until_cancelled(back_off.pause()).await.is_none() {
                break;
            }
        }
        self.worker.ends();
    }

    /// Reads as soon and as long as this instance leads.
    async fn lead(&mut self, back_off: &mut BackOff) -> Result<Infallible, WorkError> {
        let Dedicated { mut client, lost } = self.worker.lead().await?;
        let since = Instant::now();
        let outcome = tokio::select! {
            outcome = self.reading.follow(&mut client, &mut self.worker.replays) => outcome,
            () = lost.cancelled() => Err(DatabaseError::Unavailable("the connection was lost".to_owned()).into()),
        };
        if since.elapsed() > LONGEST_RETRY_PAUSE {
            back_off.reset();
            self.worker.has_worked();
        }
        outcome
    }
}

impl<W: Work> Reading<W> {
    /// Works on what comes after the checkpoint, and replays when that is asked for.
    async fn follow(
        &mut self,
        client: &mut ClientWrapper,
        replays: &mut mpsc::Receiver<ReplayRequest>,
    ) -> Result<Infallible, WorkError> {
        self.saved = checkpoint::load(&**client, W::NAME).await?;
        (self.reached, self.saved_at) = (self.saved, Instant::now());
        self.parked = parking::keys(&**client, W::NAME).await?;
        let advance = client.prepare_cached(checkpoint::ADVANCE).await?;
        let mut subscription = self.event_store.subscribe(self.stream, self.saved).await?;
        loop {
            tokio::select! {
                Some(reply) = replays.recv() => {
                    let replayed = self.replay(client).await?;
                    // Nobody may wait for it any more.
                    let _ = reply.send(replayed);
                }
                deliveries = subscription.next_batch(W::EVENTS_PER_BATCH) => {
                    let deliveries = deliveries.inspect_err(|_| self.event_store.reconnect())?;
                    let events = deliveries.into_iter().filter_map(|delivery| self.not_seen(delivery));
                    let events: Vec<_> = events.collect();
                    self.process(client, &advance, &events).await?;
                }
                () = sleep_until(self.saved_at + IDLE_CHECKPOINT_INTERVAL), if self.reached > self.saved => {
                    self.save(client, &advance).await?;
                }
            }
        }
    }

    /// The event of a delivery, if it was not looked at yet.
    fn not_seen(&self, delivery: Delivery) -> Option<Recorded> {
        match delivery {
            Delivery::Event(recorded) if Some(recorded.revision) > self.reached => Some(recorded),
            Delivery::Event(_) | Delivery::CaughtUp | Delivery::Checkpoint(_) => None,
        }
    }

    /// Works on events, and moves the checkpoint past them. Where there is nothing to do for them, that can wait.
    async fn process(
        &mut self,
        client: &mut ClientWrapper,
        advance: &Statement,
        events: &[Recorded],
    ) -> Result<(), WorkError> {
        let Some(last) = events.last().map(|recorded| recorded.revision) else { return Ok(()) };
        let outcome = Outcome::Advance { statement: advance, from: self.saved, to: last };
        let batch = Batch::of::<W>(events, &self.parked, outcome);
        self.reached = Some(last);
        if !batch.is_empty() {
            let parked = self.work.work(client, &batch).await?;
            self.parked.extend(parked);
            (self.saved, self.saved_at) = (Some(last), Instant::now());
        }
        Ok(())
    }

    /// Moves the checkpoint past events for which there was nothing to do.
    async fn save(&mut self, client: &ClientWrapper, advance: &Statement) -> Result<(), WorkError> {
        let Some(reached) = self.reached else { return Ok(()) };
        let saved = async { Ok(checkpoint::advance(&**client, advance, W::NAME, self.saved, reached).await?) };
        if !in_time(saved).await? {
            return Err(WorkError::Fenced);
        }
        (self.saved, self.saved_at) = (Some(reached), Instant::now());
        Ok(())
    }

    /// Works on the parked events again, in order. What still cannot be processed stays parked.
    async fn replay(&mut self, client: &mut ClientWrapper) -> Result<Replayed, WorkError> {
        let (oldest, beyond_limit) = parking::oldest(&**client, W::NAME).await?;
        let mut still_parked = HashSet::new();
        let mut replayed = Replayed { replayed: 0, still_parked: 0, beyond_limit };
        for (revision, key) in oldest {
            let parked = match self.event_store.event_at(self.stream, revision).await {
                Ok(recorded) => {
                    let batch =
                        Batch::of::<W>(std::slice::from_ref(&recorded), &still_parked, Outcome::Release(revision));
                    self.work.work(client, &batch).await?
                }
                Err(StoreError::Refused(refusal @ (Refusal::EventsHidden { .. } | Refusal::OtherHistory { .. }))) => {
                    parking::keep(&**client, W::NAME, revision, &refusal.to_string()).await?;
                    Parked::from([key])
                }
                Err(error) => return Err(error.into()),
            };
            if parked.is_empty() {
                replayed.replayed += 1;
            } else {
                replayed.still_parked += 1;
                still_parked.extend(parked);
            }
        }
        self.parked = parking::keys(&**client, W::NAME).await?;
        Ok(replayed)
    }
}

/// Limits what PostgreSQL is asked to do for one batch.
async fn in_time<T>(writing: impl Future<Output = Result<T, WorkError>>) -> Result<T, WorkError> {
    let outcome = timeout(limits::PROJECTION_BATCH, writing).await;
    outcome.map_err(|_| DatabaseError::Unavailable("a batch did not end in time".to_owned()))?
}
