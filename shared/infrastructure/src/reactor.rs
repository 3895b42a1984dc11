//! Carries out what one domain's events mean for the other: at least once, in stream order, until done.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::time::{Duration, Instant};

use deadpool_postgres::ClientWrapper;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use shared_kernel::{Cause, DomainEvent, Revision};
use shared_rpc::Fault;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::back_off::BackOff;
use crate::event_store::{Delivery, EventMetadata, EventStore, Recorded};
use crate::postgres::Database;
use crate::worker::{ReplayRequest, Replayed, Work, WorkError, Worker, WorkerHandle};
use crate::{checkpoint, parking};

/// How many events are looked at together; also bounds how many reactions run at once.
const EVENTS_PER_BATCH: usize = 64;
/// How often a checkpoint is saved when there was nothing to react to.
const IDLE_CHECKPOINT_INTERVAL: Duration = Duration::from_secs(2);
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(2);
const WAITS_BEHIND: &str = "an earlier event about the same thing is parked";

/// What a domain's events mean for the other domain.
pub trait Reaction: Send + Sync + 'static {
    /// The domain's events.
    type Event: DomainEvent;
    /// The name of the checkpoint, unique in its database.
    const NAME: &'static str;

    /// What an event is about: reactions to events about the same thing run in order, others side by side. `None` if the
    /// event calls for no reaction.
    fn key(event: &Self::Event) -> Option<Uuid>;

    /// Reacts to an event. It may have been reacted to before, so doing it again must change nothing.
    fn react(
        &self,
        event: &Self::Event,
        revision: Revision,
        cause: Cause,
    ) -> impl Future<Output = Result<(), ReactionError>> + Send;
}

/// Why a reaction did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReactionError {
    /// The other domain is away; it is tried again until it succeeds.
    #[error("{0}")]
    Retry(String),
    /// Trying again changes nothing; the event is parked.
    #[error("{0}")]
    Park(String),
}

impl From<Fault> for ReactionError {
    fn from(fault: Fault) -> Self {
        if fault.is_transient() { Self::Retry(fault.to_string()) } else { Self::Park(fault.to_string()) }
    }
}

/// Runs a domain's reactions as long as no other instance does.
pub struct Reactor<R> {
    worker: Worker,
    work: Reacting<R>,
}

struct Reacting<R> {
    reaction: R,
    stream: &'static str,
    event_store: EventStore,
    parked_keys: HashSet<Uuid>,
}

impl<R: Reaction> Reactor<R> {
    /// A reactor to `stream` that keeps its checkpoint in `database`, whose migrations have run when it is started.
    pub fn new(reaction: R, stream: &'static str, event_store: EventStore, database: Database) -> (Self, WorkerHandle) {
        let (worker, handle) = Worker::new(R::NAME, database);
        let work = Reacting { reaction, stream, event_store, parked_keys: HashSet::new() };
        (Self { worker, work }, handle)
    }

    /// Reacts until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        self.worker.run(self.work, shutdown).await;
    }
}

impl<R: Reaction> Work for Reacting<R> {
    async fn work(
        &mut self,
        client: &mut ClientWrapper,
        replays: &mut mpsc::Receiver<ReplayRequest>,
        shutdown: &CancellationToken,
    ) -> Result<(), WorkError> {
        let mut saved = checkpoint::load(&**client, R::NAME).await?;
        let mut saved_at = Instant::now();
        self.parked_keys = parking::keys(&**client, R::NAME).await?;
        let mut subscription = self.event_store.subscribe(self.stream, saved).await?;
        loop {
            let deliveries = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                Some(reply) = replays.recv() => {
                    let replayed = self.replay(client, shutdown).await?;
                    let _ = reply.send(replayed);
                    continue;
                }
                deliveries = subscription.next_batch(EVENTS_PER_BATCH) => deliveries,
            };
            let deliveries = deliveries.inspect_err(|_| self.event_store.reconnect())?;
            let events: Vec<Recorded> = deliveries
                .into_iter()
                .filter_map(|delivery| match delivery {
                    Delivery::Event(recorded) => Some(recorded),
                    _ => None,
                })
                .collect();
            let Some(last) = events.last().map(|recorded| recorded.revision) else { continue };
            let Some(reacted) = shutdown.run_until_cancelled(self.react_to_all(client, &events)).await else {
                return Ok(());
            };
            if reacted? || saved_at.elapsed() >= IDLE_CHECKPOINT_INTERVAL {
                let advance = client.prepare_cached(checkpoint::ADVANCE).await?;
                if !checkpoint::advance(&**client, &advance, R::NAME, saved, last).await? {
                    return Err(WorkError::Fenced);
                }
                saved = Some(last);
                saved_at = Instant::now();
            }
        }
    }
}

impl<R: Reaction> Reacting<R> {
    /// Reacts to a batch, events about the same thing in order. Answers whether there was anything to react to.
    async fn react_to_all(&mut self, client: &ClientWrapper, batch: &[Recorded]) -> Result<bool, WorkError> {
        let mut by_key: HashMap<Uuid, Vec<&Recorded>> = HashMap::new();
        for recorded in batch {
            match decode::<R>(recorded) {
                Ok((event, _)) => {
                    if let Some(key) = R::key(&event) {
                        by_key.entry(key).or_default().push(recorded);
                    }
                }
                Err(_) => by_key.entry(parking::key_of_undecodable::<R::Event>(recorded)).or_default().push(recorded),
            }
        }
        let something = !by_key.is_empty();
        let mut lanes: FuturesUnordered<_> = by_key.into_iter().map(|(key, events)| self.lane(key, events)).collect();
        let mut to_park = Vec::new();
        while let Some(refused) = lanes.next().await {
            to_park.extend(refused);
        }
        drop(lanes);
        for (key, recorded, reason) in to_park {
            parking::park(&**client, R::NAME, recorded, key, &reason).await?;
            self.parked_keys.insert(key);
        }
        Ok(something)
    }

    /// Reacts to events about one thing, in order. Answers those that have to be parked.
    async fn lane<'a>(&self, key: Uuid, events: Vec<&'a Recorded>) -> Vec<(Uuid, &'a Recorded, String)> {
        let mut refused = Vec::new();
        for recorded in events {
            let outcome = if self.parked_keys.contains(&key) || !refused.is_empty() {
                Err(WAITS_BEHIND.to_owned())
            } else {
                self.react_until_done(recorded).await
            };
            if let Err(reason) = outcome {
                refused.push((key, recorded, reason));
            }
        }
        refused
    }

    /// Reacts to one event, for as long as the other domain is away. The error is why it has to be parked.
    async fn react_until_done(&self, recorded: &Recorded) -> Result<(), String> {
        let (event, metadata) = decode::<R>(recorded)?;
        let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
        loop {
            let cause = metadata.cause_of_reaction(recorded.event_id, R::NAME);
            let reason = match self.reaction.react(&event, recorded.revision, cause).await {
                Ok(()) => return Ok(()),
                Err(ReactionError::Park(reason)) => return Err(reason),
                Err(ReactionError::Retry(reason)) => reason,
            };
            let pause = back_off.next_pause();
            tracing::warn!(
                reader = R::NAME, event.revision = %recorded.revision, reason, retry.pause_ms = pause.as_millis(),
                "could not react to an event yet; trying again"
            );
            tokio::time::sleep(pause).await;
        }
    }

    /// Reacts to the parked events again, in order; what is still refused stays parked.
    async fn replay(&mut self, client: &ClientWrapper, shutdown: &CancellationToken) -> Result<Replayed, WorkError> {
        self.parked_keys.clear();
        let (revisions, beyond_limit) = parking::revisions(&**client, R::NAME).await?;
        let mut replayed = Replayed { replayed: 0, still_parked: 0, beyond_limit };
        for revision in revisions {
            let found = self.event_store.read_forwards(self.stream, revision, 1).await?;
            let Some(recorded) = found.first().filter(|recorded| recorded.revision == revision) else { continue };
            let decoded = decode::<R>(recorded);
            let key = decoded
                .ok()
                .and_then(|(event, _)| R::key(&event))
                .unwrap_or_else(|| parking::key_of_undecodable::<R::Event>(recorded));
            let Some(refused) = shutdown.run_until_cancelled(self.lane(key, vec![recorded])).await else { break };
            match refused.into_iter().next() {
                None => {
                    parking::release(&**client, R::NAME, revision).await?;
                    replayed.replayed += 1;
                }
                Some((key, recorded, reason)) => {
                    parking::park(&**client, R::NAME, recorded, key, &reason).await?;
                    self.parked_keys.insert(key);
                    replayed.still_parked += 1;
                }
            }
        }
        self.parked_keys = parking::keys(&**client, R::NAME).await?;
        Ok(replayed)
    }
}

fn decode<R: Reaction>(recorded: &Recorded) -> Result<(R::Event, EventMetadata), String> {
    let metadata = recorded.metadata().map_err(|error| error.to_string())?;
    let event = recorded.decode(metadata.schema_version()).map_err(|error| error.to_string())?;
    Ok((event, metadata))
}
