//! Carrying out what one domain's events mean for others: at least once, in stream order, until done.

use std::collections::HashMap;
use std::future::Future;

use deadpool_postgres::ClientWrapper;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use shared_kernel::{Cause, DomainEvent, Revision};
use shared_rpc::Fault;
use uuid::Uuid;

use super::batch::{Batch, Numbered, Origin, Parked, Refused, Unprocessable};
use super::{FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE, Reader, Work, in_time};
use crate::back_off::BackOff;
use crate::event_store::EventStore;
use crate::postgres::Database;
use crate::worker::{WorkError, WorkerHandle};

/// What a domain's events mean for other domains.
pub trait Reaction: Send + Sync + 'static {
    /// The domain's events.
    type Event: DomainEvent;
    /// The name of the checkpoint, unique in its database.
    const NAME: &'static str;

    /// What an event is about: reactions to events about the same thing run in order, others side by side. `None` if
    /// the event calls for no reaction.
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
pub type Reactor<R> = Reader<Reacting<R>>;

/// The work of reactions.
pub struct Reacting<R>(R);

impl<R: Reaction> Reactor<R> {
    /// A reactor to `stream` that keeps its checkpoint in `database`, whose migrations have run when it is started.
    pub fn new(reaction: R, stream: &'static str, event_store: EventStore, database: Database) -> (Self, WorkerHandle) {
        Self::of(Reacting(reaction), stream, event_store, database)
    }
}

/// Events about the same thing, in order.
type Lane<'a, E> = Vec<(&'a Numbered<E>, &'a Origin<'a>)>;

impl<R: Reaction> Work for Reacting<R> {
    type Event = R::Event;
    const NAME: &'static str = R::NAME;
    /// Also bounds how many reactions run at once.
    const EVENTS_PER_BATCH: usize = 64;

    fn key(event: &R::Event) -> Option<Uuid> {
        R::key(event)
    }

    /// Reacts to events about the same thing in order, and to others side by side.
    async fn work(&self, client: &mut ClientWrapper, batch: &Batch<'_, R::Event>) -> Result<Parked, WorkError> {
        let mut lanes: HashMap<Uuid, Lane<'_, R::Event>> = HashMap::new();
        for (numbered, origin) in batch.iter() {
            lanes.entry(origin.key).or_default().push((numbered, origin));
        }
        let mut lanes: FuturesUnordered<_> = lanes.into_values().map(|lane| self.react_in_order(lane)).collect();
        let mut refused = Refused::new();
        while let Some(ended) = lanes.next().await {
            refused.extend(ended);
        }
        in_time(async {
            if batch.parks_nothing(&refused) {
                // One statement, which needs no transaction around it.
                return batch.settle(&**client, refused).await;
            }
            let transaction = client.transaction().await?;
            let parked = batch.settle(&*transaction, refused).await?;
            transaction.commit().await?;
            Ok(parked)
        })
        .await
    }
}

impl<R: Reaction> Reacting<R> {
    /// Reacts to events about one thing, up to the first that has to be parked, which is the answer.
    async fn react_in_order(&self, lane: Lane<'_, R::Event>) -> Option<(Revision, Unprocessable)> {
        for (numbered, origin) in lane {
            if let Some(unprocessable) = self.react_until_done(numbered, origin).await {
                return Some((numbered.revision, unprocessable));
            }
        }
        None
    }

    /// Reacts to one event, for as long as the other domain is away. Answers why it has to be parked, if so.
    async fn react_until_done(&self, numbered: &Numbered<R::Event>, origin: &Origin<'_>) -> Option<Unprocessable> {
        let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
        loop {
            let cause = origin.metadata.cause_of_reaction(origin.recorded.event_id, R::NAME);
            let reason = match self.0.react(&numbered.event, numbered.revision, cause).await {
                Ok(()) => return None,
                Err(ReactionError::Park(reason)) => return Some(Unprocessable { key: origin.key, reason }),
                Err(ReactionError::Retry(reason)) => reason,
            };
            let pause = back_off.next_pause();
            tracing::warn!(
                reader = R::NAME, event.revision = %numbered.revision, reason, retry.pause_ms = pause.as_millis(),
                "could not react to an event yet; trying again"
            );
            tokio::time::sleep(pause).await;
        }
    }
}
