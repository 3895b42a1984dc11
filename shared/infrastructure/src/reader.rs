//! A reader of a stream: one instance leads, works on every event in order, and keeps a checkpoint of how far it has
//! come.
//!
//! There are two kinds of work: a [`Projection`] writes rows, and a [`Reaction`] carries out what events mean for
//! others. What cannot be processed is parked, together with what comes after it about the same thing, until it is
//! replayed.

mod batch;
mod lanes;
mod meters;
mod origin;
mod projection;
mod reaction;
mod span;

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use shared_kernel::DomainEvent;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_postgres::{GenericClient, Statement};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::back_off::BackOff;
use crate::checkpoint::{self, Mark};
use crate::event_store::{Delivery, EventStore, Recorded, Refusal, StoreError, Subscription};
use crate::limits;
use crate::parking::{self, DiscardedEvent, Waiting};
use crate::postgres::{Database, DatabaseError, Dedicated};
use crate::worker::{Discard, InHand, Request, WorkError, Worker, WorkerHandle};

pub(crate) use lanes::MOST_UNFINISHED;
use meters::Meters;
pub use origin::{Numbered, Unprocessable};
pub use projection::{ProjectResult, Projecting, Projection, Projector};
pub use reaction::{LOOK_INTERVAL, Reacting, Reaction, ReactionError, Reactor};

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

    /// What an event is about: events about the same thing stay in order. `None` if there is nothing to do for it.
    fn key(event: &Self::Event) -> Option<Uuid>;

    /// Works on what comes after the checkpoint, and on requests, until something fails. Dropped wherever it waits when
    /// the reader stops: what is not settled is worked on again then.
    fn follow(&self, lead: Lead<'_>) -> impl Future<Output = Result<Infallible, WorkError>> + Send;
}

/// What a reader works with while it leads.
pub struct Lead<'a> {
    reading: &'a mut Reading,
    client: &'a mut ClientWrapper,
    requests: &'a mut mpsc::Receiver<Request>,
}

/// Reads a stream as long as no other instance does.
pub struct Reader<W> {
    worker: Worker,
    work: W,
    reading: Reading,
}

/// How far a reader has come.
pub struct Reading {
    reader: &'static str,
    stream: &'static str,
    event_store: Arc<EventStore>,
    /// The statement that moves its checkpoint.
    advance: &'static str,
    /// What has parked events: later ones about the same thing wait behind them.
    parked: HashSet<Uuid>,
    /// The events beyond the checkpoint that were discarded, which are not worked on any more.
    discarded: HashSet<Uuid>,
    /// The newest event that was looked at.
    reached: Option<Mark>,
    /// The checkpoint as it is stored, which may be a little behind.
    saved: Option<Mark>,
    saved_at: Instant,
    meters: Meters,
}

impl<W: Work> Reader<W> {
    /// A reader of `stream` that keeps its checkpoint in `database`, whose migrations have run when it is started.
    pub(crate) fn of(
        work: impl FnOnce(InHand) -> W,
        stream: &'static str,
        event_store: EventStore,
        database: Database,
    ) -> (Self, WorkerHandle) {
        let (worker, handle) = Worker::new(W::NAME, database);
        let reading = Reading::new(W::NAME, stream, event_store, checkpoint::ADVANCE, Meters::of(W::NAME));
        (Self { work: work(worker.in_hand.clone()), worker, reading }, handle)
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
        let Self { worker, work, reading } = self;
        let (requests, of_others) = worker.asked();
        let lead = Lead { reading, client: &mut client, requests };
        let outcome = tokio::select! {
            outcome = work.follow(lead) => outcome,
            never = of_others => match never {},
            () = lost.cancelled() => Err(DatabaseError::Unavailable("the connection was lost".to_owned()).into()),
        };
        if since.elapsed() > LONGEST_RETRY_PAUSE {
            back_off.reset();
            self.worker.has_worked();
        }
        outcome
    }
}

impl Reading {
    fn new(
        reader: &'static str,
        stream: &'static str,
        event_store: EventStore,
        advance: &'static str,
        meters: Meters,
    ) -> Self {
        Self {
            reader,
            stream,
            event_store: Arc::new(event_store),
            advance,
            parked: HashSet::new(),
            discarded: HashSet::new(),
            reached: None,
            saved: None,
            saved_at: Instant::now(),
            meters,
        }
    }

    /// Begins after the checkpoint.
    ///
    /// # Errors
    /// [`Refusal::OtherHistory`] if that is not of the history that the event store holds.
    async fn begin(&mut self, client: &ClientWrapper) -> Result<(Subscription, Statement), WorkError> {
        self.saved = checkpoint::load(&**client, self.reader).await?;
        (self.reached, self.saved_at) = (self.saved, Instant::now());
        self.parked = parking::keys(&**client, self.reader).await?;
        let advance = client.prepare_cached(self.advance).await?;
        if let Some(saved) = self.saved {
            let found = Mark::at(&self.event_store.event_at(self.stream, saved.revision).await?);
            match saved.event_id {
                Some(event_id) if found.event_id == Some(event_id) => {}
                Some(_) => {
                    let difference = format!("event {} is another one", saved.revision);
                    return Err(
                        StoreError::from(Refusal::OtherHistory { stream: self.stream.to_owned(), difference }).into()
                    );
                }
                None => {
                    self.save(&**client, &advance, Some(found)).await?;
                    self.reached = self.saved;
                }
            }
        }
        let after = self.saved.map(|mark| mark.revision);
        self.discarded = parking::discarded_after(&**client, self.reader, after).await?;
        Ok((self.event_store.subscribe(self.stream, after).await?, advance))
    }

    /// The events among deliveries that were not looked at yet. Without any, the subscription has failed.
    fn not_seen<E>(&self, deliveries: Result<Vec<Delivery>, E>) -> Result<Vec<Recorded>, E> {
        let reached = self.reached.map(|mark| mark.revision);
        let deliveries = deliveries.inspect_err(|_| self.event_store.reconnect())?;
        let events = deliveries.into_iter().filter_map(|delivery| match delivery {
            Delivery::Event(recorded) if Some(recorded.revision) > reached => Some(recorded),
            Delivery::Event(_) | Delivery::CaughtUp | Delivery::Checkpoint(_) => None,
        });
        Ok(events.collect())
    }

    /// Notes that the checkpoint was moved.
    fn has_moved(&mut self, to: Option<Mark>) {
        (self.saved, self.saved_at) = (to, Instant::now());
        self.meters.moved();
    }

    /// An event that was parked, or why it cannot be replayed.
    async fn parked_event(&self, waiting: &Waiting) -> Result<Result<Recorded, String>, StoreError> {
        parked_event(&self.event_store, self.stream, waiting).await
    }

    /// Takes a parked event out for good.
    async fn discard(&mut self, client: &ClientWrapper, discard: &Discard) -> Result<Vec<DiscardedEvent>, WorkError> {
        let discarded = in_time(async { Ok(parking::discard(&**client, self.reader, discard).await?) }).await?;
        self.discarded.extend(discarded.iter().map(|event| event.event_id));
        Ok(discarded)
    }

    /// Moves the checkpoint.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] if another instance has moved it. Nothing that belongs to it may be committed then.
    async fn save(
        &mut self,
        client: &impl GenericClient,
        advance: &Statement,
        to: Option<Mark>,
    ) -> Result<(), WorkError> {
        let saved = async { Ok(checkpoint::advance(client, advance, self.reader, self.saved, to).await?) };
        if !in_time(saved).await? {
            return Err(WorkError::Fenced);
        }
        self.has_moved(to);
        Ok(())
    }
}

/// An event that was parked, or why it cannot be replayed.
async fn parked_event(
    event_store: &EventStore,
    stream: &str,
    waiting: &Waiting,
) -> Result<Result<Recorded, String>, StoreError> {
    match event_store.event_at(stream, waiting.revision).await {
        Ok(recorded) if recorded.event_id == waiting.event_id => Ok(Ok(recorded)),
        Ok(_) => {
            let difference = format!("event {} is not the one that was parked", waiting.revision);
            Ok(Err(Refusal::OtherHistory { stream: stream.to_owned(), difference }.to_string()))
        }
        Err(StoreError::Refused(refusal @ (Refusal::EventsHidden { .. } | Refusal::OtherHistory { .. }))) => {
            Ok(Err(refusal.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// Limits what PostgreSQL is asked to do at once.
async fn in_time<T>(writing: impl Future<Output = Result<T, WorkError>>) -> Result<T, WorkError> {
    let outcome = timeout(limits::PROJECTION_BATCH, writing).await;
    outcome.map_err(|_| DatabaseError::Unavailable("a batch did not end in time".to_owned()))?
}
