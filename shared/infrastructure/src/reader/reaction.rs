//! Carrying out what one domain's events mean for others: at least once, in stream order for each thing, until done.

mod desk;
mod history;
mod session;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use deadpool_postgres::ClientWrapper;
use shared_kernel::{Cause, DomainEvent, Revision};
use shared_rpc::Fault;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Reader, Reading, Work};
use crate::event_store::{EventStore, Refusal, StoreError};
use crate::postgres::Database;
use crate::worker::{InHand, Request, WorkError, WorkerHandle};
pub(super) use desk::Desk;
use session::Session;

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
    in_hand: InHand,
}

impl<R: Reaction> Reactor<R> {
    /// A reactor to `stream` that keeps its checkpoint in `database`, whose migrations have run when it is started.
    pub fn new(reaction: R, stream: &'static str, event_store: EventStore, database: Database) -> (Self, WorkerHandle) {
        let work = |in_hand| Reacting { reaction: Arc::new(reaction), in_hand };
        Self::of(work, stream, event_store, database)
    }
}

impl<R: Reaction> Work for Reacting<R> {
    type Event = R::Event;
    const NAME: &'static str = R::NAME;

    fn key(event: &R::Event) -> Option<Uuid> {
        R::key(event)
    }

    async fn follow(
        &self,
        reading: &mut Reading,
        client: &mut ClientWrapper,
        requests: &mut mpsc::Receiver<Request>,
    ) -> Result<Infallible, WorkError> {
        let (subscription, advance) = loop {
            match reading.begin(client).await {
                Err(WorkError::Store(StoreError::Refused(Refusal::OtherHistory { difference, .. }))) => {
                    history::wait_for_word(R::NAME, &self.in_hand, reading, client, requests, &difference).await?;
                }
                begun => break begun?,
            }
        };
        self.in_hand.is_not_halted();
        let (reaction, in_hand) = (Arc::clone(&self.reaction), self.in_hand.clone());
        let desk = Desk::new(reaction, reading.stream, Arc::clone(&reading.event_store), in_hand);
        Session::new(reading, client, advance, desk).run(subscription, requests).await
    }
}
