//! Where reactions are carried out, until they succeed or have to be parked.

use std::collections::HashSet;
use std::future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use shared_kernel::{Cause, Revision};
use shared_telemetry::Counter;
use shared_telemetry::table::REACTION_RETRIES;
use shared_trace::{CorrelationId, TraceParent};
use tokio::sync::{Semaphore, watch};
use tracing::Instrument;
use uuid::Uuid;

use super::{Reacting, Reaction, ReactionError};
use crate::back_off::BackOff;
use crate::event_store::{EventStore, Recorded};
use crate::parking::Waiting;
use crate::reader::lanes::{Task, What};
use crate::reader::origin::{Understood, understand};
use crate::reader::span;
use crate::reader::{FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE, parked_event};
use crate::unfinished::Unfinished;
use crate::worker::{InHand, Retrying};

/// How many reactions run at once at most. One that waits to be tried again does not count.
const AT_ONCE: usize = 64;
/// How often a reaction is tried that fails although the other domain is there.
const MOST_FAILURES: usize = 8;
/// How often the log says at most that something is tried again.
const WARNING_INTERVAL: Duration = Duration::from_secs(1);

/// Carries out reactions.
pub(in crate::reader) struct Desk<R> {
    reaction: Arc<R>,
    stream: &'static str,
    event_store: Arc<EventStore>,
    permits: Semaphore,
    pub(in crate::reader) in_hand: InHand,
    /// Events that were discarded since this instance leads.
    pub(in crate::reader) discarded: watch::Sender<HashSet<Uuid>>,
    warned_at: Mutex<Option<Instant>>,
    retries: Counter,
}

/// The event of a reaction, for operators.
struct About<'a> {
    key: Uuid,
    revision: Revision,
    event_type: &'a str,
}

impl<R: Reaction> Desk<R> {
    pub(super) fn new(
        reaction: Arc<R>,
        stream: &'static str,
        event_store: Arc<EventStore>,
        in_hand: InHand,
    ) -> Arc<Self> {
        in_hand.is_empty();
        let (permits, discarded) = (Semaphore::new(AT_ONCE), watch::Sender::default());
        let (warned_at, retries) = (Mutex::new(None), REACTION_RETRIES.of([R::NAME]));
        Arc::new(Self { reaction, stream, event_store, permits, in_hand, discarded, warned_at, retries })
    }

    /// Carries out a task, for as long as it takes.
    ///
    /// # Errors
    /// Why the event has to be parked.
    pub(in crate::reader) async fn carry_out(&self, task: &Task<R::Event>) -> Result<(), String> {
        match &task.what {
            What::Event { subject, readable: Ok(reacting) } => {
                let (event, cause) = &**reacting;
                let about = About { key: task.key, revision: subject.revision, event_type: &subject.event_type };
                self.traced(&about, event, cause).await
            }
            What::Event { readable: Err(reason), .. } => Err(reason.clone()),
            What::Parked(waiting) => tokio::select! {
                outcome = self.replay(waiting) => outcome,
                () = self.is_discarded(waiting.event_id) => Err("it was discarded".to_owned()),
            },
            What::Unfinished(unfinished) => self.finish(unfinished).await,
        }
    }

    /// Waits until an event is discarded.
    async fn is_discarded(&self, event_id: Uuid) {
        let mut discarded = self.discarded.subscribe();
        if discarded.wait_for(|discarded| discarded.contains(&event_id)).await.is_err() {
            future::pending::<()>().await;
        }
    }

    /// Brings about what was found missing. It is tried once: the next look finds it again.
    async fn finish(&self, unfinished: &Unfinished) -> Result<(), String> {
        let correlation_id = Uuid::now_v7().to_string();
        let actor = R::NAME.to_owned();
        let cause =
            Cause { correlation_id, causation_id: None, actor, subject: None, trace_parent: None, step_of: None };
        let permit = self.permits.acquire().await;
        let outcome = self.reaction.finish(unfinished, cause).await;
        drop(permit);
        outcome.map_err(|error| error.to_string())
    }

    async fn replay(&self, waiting: &Waiting) -> Result<(), String> {
        let recorded = self.parked(waiting).await?;
        match understand::<Reacting<R>>(&recorded) {
            Understood::Nothing => Ok(()),
            Understood::Not(unprocessable) => Err(unprocessable.reason),
            Understood::Event { key, event, metadata } => {
                let about = About { key, revision: recorded.revision, event_type: &recorded.event_type };
                let cause = metadata.cause_of_reaction(recorded.event_id, R::NAME);
                self.traced(&about, &event, &cause).await
            }
        }
    }

    /// Reads a parked event, for as long as the event store is away.
    async fn parked(&self, waiting: &Waiting) -> Result<Recorded, String> {
        let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
        let about = About { key: waiting.key, revision: waiting.revision, event_type: "" };
        loop {
            let permit = self.permits.acquire().await;
            let read = parked_event(&self.event_store, self.stream, waiting).await;
            drop(permit);
            match read {
                Ok(read) => return read,
                Err(error) => self.pause(&about, &mut back_off, error.to_string()).await,
            }
        }
    }

    /// Reacts as a part of what has set the event off.
    async fn traced(&self, about: &About<'_>, event: &R::Event, cause: &Cause) -> Result<(), String> {
        let (parent, event_id) = (cause.trace_parent.as_deref(), cause.causation_id.as_deref());
        let lines = shared_trace::log_span!("reaction", &*cause.correlation_id);
        let span = span::of_reaction::<Reacting<R>>(self.stream, event_id, parent);
        let reacting = async {
            let outcome = self.react(about, event, cause).await;
            outcome.inspect_err(|_| shared_trace::fail(&span, "parked"))
        };
        let reacting = reacting.instrument(span.clone());
        let reacting = async {
            match parent.and_then(TraceParent::read) {
                Some(parent) => shared_trace::within(parent, reacting).await,
                None => reacting.await,
            }
        };
        let id = CorrelationId::read(&cause.correlation_id).unwrap_or_else(CorrelationId::random);
        id.scope(reacting).instrument(lines).await
    }

    async fn react(&self, about: &About<'_>, event: &R::Event, cause: &Cause) -> Result<(), String> {
        let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
        let mut failures = 0;
        loop {
            let permit = self.permits.acquire().await;
            let outcome = self.reaction.react(event, about.revision, cause.clone()).await;
            drop(permit);
            let reason = match outcome {
                Ok(()) => return Ok(()),
                Err(ReactionError::Park(reason)) => return Err(reason),
                Err(ReactionError::Failed(reason)) if failures + 1 == MOST_FAILURES => return Err(reason),
                Err(ReactionError::Failed(reason)) => {
                    failures += 1;
                    reason
                }
                Err(ReactionError::Retry(reason)) => reason,
            };
            self.pause(about, &mut back_off, reason).await;
        }
    }

    /// Says what is tried again, and pauses before that.
    async fn pause(&self, about: &About<'_>, back_off: &mut BackOff, reason: String) {
        let pause = back_off.next_pause();
        self.retries.inc();
        if self.may_warn() {
            tracing::warn!(
                reader = R::NAME, event.revision = %about.revision, reason, retry.attempts = back_off.taken(),
                retry.pause_ms = pause.as_millis(), "could not react to an event yet; trying again"
            );
        }
        self.in_hand.is_retried(Retrying {
            key: about.key,
            event_number: about.revision,
            event_type: about.event_type.to_owned(),
            missing: R::missing(about.event_type),
            since: Timestamp::now(),
            attempts: back_off.taken(),
            reason,
        });
        tokio::time::sleep(pause).await;
    }

    /// Whether enough time has passed since the last warning: thousands of reactions may be tried again at a time.
    fn may_warn(&self) -> bool {
        let mut warned_at = self.warned_at.lock().unwrap_or_else(PoisonError::into_inner);
        let may = warned_at.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL);
        if may {
            *warned_at = Some(Instant::now());
        }
        may
    }
}
