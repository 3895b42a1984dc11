//! Carrying out what one domain's events mean for others: at least once, in stream order for each thing, until done.

mod desk;
mod history;
mod session;
mod sweep;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use shared_kernel::{Cause, DomainEvent, Revision};
use shared_rpc::Fault;
use uuid::Uuid;

use super::{Lead, Reader, Work};
use crate::event_store::{EventStore, Refusal, StoreError};
use crate::postgres::Database;
use crate::unfinished::{Found, Surroundings, Unfinished};
use crate::worker::{InHand, WorkError, WorkerHandle};
pub(super) use desk::Desk;
use session::Session;
use sweep::Sweep;

/// How often it is looked for what is missing, unless that is set.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// What a domain's events mean for other domains.
pub trait Reaction: Send + Sync + 'static {
    /// The domain's events.
    type Event: DomainEvent;
    /// The name of the checkpoint, unique in its database.
    const NAME: &'static str;

    /// What an event is about: reactions to events about the same thing run in order, others side by side. `None` if
    /// the event calls for no reaction.
    fn key(event: &Self::Event) -> Option<Uuid>;

    /// What is missing as long as an event of this type is not reacted to, in a word such as `sealWithoutDeparture`.
    fn missing(event_type: &str) -> &'static str;

    /// Looks what events should have led to by now and have not, for what comes after the key `after`: by comparing
    /// what things are, not by reading events. What is on its way is not missing.
    fn look(
        &self,
        surroundings: &Surroundings,
        after: Option<Uuid>,
    ) -> impl Future<Output = Result<Found, ReactionError>> + Send {
        let (_, _) = (surroundings, after);
        std::future::ready(Ok(Found::default()))
    }

    /// Brings about what was found missing, unless it is there by now.
    fn finish(&self, unfinished: &Unfinished, cause: Cause) -> impl Future<Output = Result<(), ReactionError>> + Send {
        let (_, _) = (unfinished, cause);
        std::future::ready(Ok(()))
    }

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
    /// The other domain is there, and fails at it; it is tried again some times, then the event is parked.
    #[error("{0}")]
    Failed(String),
    /// Trying again changes nothing; the event is parked.
    #[error("{0}")]
    Park(String),
}

impl From<Fault> for ReactionError {
    fn from(fault: Fault) -> Self {
        let reason = fault.to_string();
        match fault {
            Fault::Unavailable { .. } | Fault::OutcomeUnknown { .. } => Self::Retry(reason),
            Fault::Internal { .. } => Self::Failed(reason),
            Fault::Invalid { .. } => Self::Park(reason),
        }
    }
}

/// Runs a domain's reactions as long as no other instance does.
pub type Reactor<R> = Reader<Reacting<R>>;

/// The work of reactions.
pub struct Reacting<R> {
    reaction: Arc<R>,
    database: Database,
    look_interval: Duration,
    in_hand: InHand,
}

impl<R: Reaction> Reactor<R> {
    /// A reactor to `stream` that keeps its checkpoint in `database`, whose migrations have run when it is started.
    pub fn new(reaction: R, stream: &'static str, event_store: EventStore, database: Database) -> (Self, WorkerHandle) {
        Self::looking_every(LOOK_INTERVAL, reaction, stream, event_store, database)
    }

    /// One that looks so often for what is missing.
    pub fn looking_every(
        look_interval: Duration,
        reaction: R,
        stream: &'static str,
        event_store: EventStore,
        database: Database,
    ) -> (Self, WorkerHandle) {
        let (reaction, own) = (Arc::new(reaction), database.clone());
        let work = |in_hand| Reacting { reaction, database: own, look_interval, in_hand };
        Self::of(work, stream, event_store, database)
    }
}

impl<R: Reaction> Work for Reacting<R> {
    type Event = R::Event;
    const NAME: &'static str = R::NAME;

    fn key(event: &R::Event) -> Option<Uuid> {
        R::key(event)
    }

    async fn follow(&self, lead: Lead<'_>) -> Result<Infallible, WorkError> {
        let Lead { reading, client, requests } = lead;
        let (subscription, advance) = loop {
            match reading.begin(client).await {
                Err(WorkError::Store(StoreError::Refused(Refusal::OtherHistory { difference, .. }))) => {
                    history::wait_for_word(R::NAME, &self.in_hand, reading, client, requests, &difference).await?;
                }
                begun => break begun?,
            }
        };
        self.in_hand.is_not_halted();
        let (database, event_store) = (self.database.clone(), Arc::clone(&reading.event_store));
        let surroundings = Surroundings { database, event_store, stream: reading.stream };
        let sweep = Sweep::new(Arc::clone(&self.reaction), surroundings, self.look_interval);
        let (reaction, in_hand) = (Arc::clone(&self.reaction), self.in_hand.clone());
        let desk = Desk::new(reaction, reading.stream, Arc::clone(&reading.event_store), in_hand);
        Session::new(reading, client, advance, desk, sweep).run(subscription, requests).await
    }
}
