//! The live end of the audit log: one subscription for all who follow it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use shared_infrastructure::back_off::BackOff;
use shared_infrastructure::event_store::{AllPosition, Delivery, EventStore, Refusal, StoreError};
use shared_kernel::{Revision, Stream};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::change::Change;
use crate::entry::LogEntry;
use crate::facets::Facets;
use crate::stream::{Log, LogEvent};

/// How many entries wait for the slowest follower; one that is slower reads them again from the event store.
pub(crate) const RETAINED_ENTRIES: usize = 1_024;
const BATCH: usize = 256;
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long a new follower waits for the subscription to begin if it is known that something keeps it from that.
const OUTAGE_LIMIT: Duration = Duration::from_millis(500);
/// The same if nothing is known: an event store that is asked for much at a time may only be slow.
const START_LIMIT: Duration = Duration::from_millis(1_400);

/// An entry as it goes to every follower.
#[derive(Debug)]
pub(crate) struct LiveEntry {
    pub(crate) stream: Stream,
    pub(crate) revision: Revision,
    /// What it is filtered by.
    pub(crate) facets: Facets,
    /// The entry as JSON in one line.
    pub(crate) json: String,
    /// That something has changed, as JSON in one line.
    pub(crate) change: String,
}

impl LiveEntry {
    pub(crate) fn new(event: LogEvent) -> Option<Self> {
        let (stream, revision) = (event.stream, event.recorded.revision);
        let facets = Facets::of(&event.recorded);
        let position = event.position();
        // Both always have a JSON form.
        let change = serde_json::to_string(&Change::new(stream, &facets, position)).ok()?;
        let json = serde_json::to_string(&LogEntry::from(event)).ok()?;
        Some(Self { stream, revision, facets, json, change })
    }
}

/// Follows the event store and passes on what comes, through any interruption.
pub(crate) struct Live {
    log: Log,
    store: EventStore,
    state: watch::Sender<State>,
}

/// Where followers join.
#[derive(Clone)]
pub(crate) struct Tail {
    state: watch::Receiver<State>,
}

/// What there is to follow.
#[derive(Default)]
struct State {
    /// `None` while there is nothing. Dropping it ends the feeds of all who follow.
    entries: Option<broadcast::Sender<Arc<LiveEntry>>>,
    /// Why nothing comes at the moment.
    outage: Option<StoreError>,
}

/// How far the log was followed.
#[derive(Default)]
struct Reached {
    /// `None` before the beginning.
    position: Option<AllPosition>,
    /// The newest event seen of each stream.
    newest: HashMap<&'static str, (Revision, Uuid)>,
}

/// Why there is nothing to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotFollowing(pub(crate) Option<StoreError>);

impl Live {
    pub(crate) fn new(log: Log, store: EventStore) -> (Self, Tail) {
        let (state, watched) = watch::channel(State::default());
        (Self { log, store, state }, Tail { state: watched })
    }

    /// Follows until `shutdown`, which ends all followers' tails.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut reached = None;
        let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
        loop {
            let before = reached.as_ref().map(|reached: &Reached| reached.position);
            let Some(Err(error)) = shutdown.run_until_cancelled(self.follow(&mut reached)).await else { break };
            self.store.reconnect();
            if reached.as_ref().map(|reached| reached.position) != before {
                back_off.reset();
            }
            if matches!(error, StoreError::Refused(_)) {
                // What was followed is no more, or may not be seen any more: found anew from its newest event.
                reached = None;
            }
            self.interrupted(error);
            if shutdown.run_until_cancelled(back_off.pause()).await.is_none() {
                break;
            }
        }
        self.state.send_replace(State::default());
    }

    /// Notes why nothing comes, and logs it once for each reason. Through an outage those who follow wait; when the
    /// event store refuses they are sent away, and hear why when they come back.
    fn interrupted(&self, error: StoreError) {
        self.state.send_modify(|state| {
            if matches!(error, StoreError::Refused(_)) {
                state.entries = None;
            }
            if state.outage.as_ref() != Some(&error) {
                tracing::warn!(%error, "the live audit log was interrupted");
            }
            state.outage = Some(error);
        });
    }

    /// Passes on what comes after `reached`, which moves along; the first time, what comes from now on.
    async fn follow(&self, reached: &mut Option<Reached>) -> Result<Infallible, StoreError> {
        let reached = match reached {
            Some(reached) => {
                self.assert_same_history(reached).await?;
                reached
            }
            None => reached.insert(self.newest().await?),
        };
        let streams: Vec<_> = self.log.streams().map(|stream| stream.name).collect();
        let mut subscription = self.store.subscribe_to_all(&streams, reached.position).await?;
        tracing::info!("following the live audit log");
        self.state.send_modify(|state| {
            state.entries.get_or_insert_with(|| broadcast::channel(RETAINED_ENTRIES).0);
            state.outage = None;
        });
        loop {
            for delivery in subscription.next_batch(BATCH).await? {
                match delivery {
                    Delivery::Event(recorded) => {
                        reached.position = Some(recorded.position);
                        // Filters match more than whole names.
                        if let Some(stream) = self.log.stream_named(&recorded.stream) {
                            reached.newest.insert(stream.name, (recorded.revision, recorded.event_id));
                            self.pass_on(LogEvent { stream, recorded });
                        }
                    }
                    Delivery::Checkpoint(position) => reached.position = Some(position),
                    Delivery::CaughtUp => {}
                }
            }
        }
    }

    /// Where the log ends now.
    async fn newest(&self) -> Result<Reached, StoreError> {
        let mut reached = Reached::default();
        for stream in self.log.streams() {
            if let Some(event) = self.store.last_event(stream.name).await? {
                reached.position = reached.position.max(Some(event.position));
                reached.newest.insert(stream.name, (event.revision, event.event_id));
            }
        }
        Ok(reached)
    }

    /// Checks that the event store still holds what was seen. One that was emptied would wait for ever for its log to
    /// grow past the position.
    async fn assert_same_history(&self, reached: &Reached) -> Result<(), StoreError> {
        for (stream, (revision, event_id)) in &reached.newest {
            if self.store.event_at(stream, *revision).await?.event_id != *event_id {
                let difference = format!("event {revision} is another one");
                return Err(Refusal::OtherHistory { stream: (*stream).to_owned(), difference }.into());
            }
        }
        Ok(())
    }

    fn pass_on(&self, event: LogEvent) {
        let state = self.state.borrow();
        // Who joins later reads it from the event store.
        let Some(entries) = state.entries.as_ref().filter(|entries| entries.receiver_count() > 0) else { return };
        if let Some(entry) = LiveEntry::new(event) {
            // Without receivers there is nothing to do.
            let _ = entries.send(Arc::new(entry));
        }
    }
}

impl Tail {
    /// Everything that is recorded after this call, in order. What was recorded before may be among it.
    ///
    /// # Errors
    /// [`NotFollowing`] if the subscription has not begun in time, is refused, or has ended for good.
    pub(crate) async fn join(&self) -> Result<broadcast::Receiver<Arc<LiveEntry>>, NotFollowing> {
        let mut state = self.state.clone();
        let came = Instant::now();
        let known = state.wait_for(|state| state.entries.is_some() || state.outage.is_some());
        // Whatever has come of it is looked at below.
        let _ = timeout_at(came + START_LIMIT, known).await;
        let waited = timeout_at(came + OUTAGE_LIMIT, state.wait_for(|state| state.entries.is_some())).await;
        if let Ok(Ok(state)) = waited
            && let Some(entries) = &state.entries
        {
            return Ok(entries.subscribe());
        }
        Err(NotFollowing(self.outage()))
    }

    /// Why nothing comes at the moment, if so.
    pub(crate) fn outage(&self) -> Option<StoreError> {
        self.state.borrow().outage.clone()
    }
}

#[cfg(test)]
mod tests;
