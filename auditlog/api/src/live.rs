//! The live end of the audit log: one subscription for all who follow it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use shared_infrastructure::event_store::{AllPosition, Delivery, EventStore, Recorded, StoreError};
use shared_kernel::Revision;
use tokio::sync::{broadcast, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::entry::Entry;
use crate::reader::newest;
use crate::stream::DomainStream;

/// How many entries wait for the slowest follower; one that is slower reads them again from the event store.
pub(crate) const RETAINED_ENTRIES: usize = 1_024;
const BATCH: usize = 256;
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long a new follower waits for the subscription to begin.
const START_LIMIT: Duration = Duration::from_millis(500);

/// An entry as it goes to every follower.
#[derive(Debug)]
pub(crate) struct LiveEntry {
    pub(crate) stream: DomainStream,
    pub(crate) revision: Revision,
    /// The entry as JSON in one line.
    pub(crate) json: String,
}

impl LiveEntry {
    /// `None` for an event of a stream that is not part of the audit log: filters match more than whole names.
    pub(crate) fn new(event: Recorded) -> Option<Self> {
        let stream = DomainStream::named(&event.stream)?;
        let revision = event.revision;
        // An entry always has a JSON form.
        let json = serde_json::to_string(&Entry::from(event)).ok()?;
        Some(Self { stream, revision, json })
    }
}

/// Follows the event store and passes on what comes, through any interruption.
pub(crate) struct Live {
    store: EventStore,
    entries: broadcast::Sender<Arc<LiveEntry>>,
    begun: watch::Sender<bool>,
}

/// Where followers join.
pub(crate) struct Tail {
    entries: broadcast::WeakSender<Arc<LiveEntry>>,
    begun: watch::Receiver<bool>,
}

impl Live {
    pub(crate) fn new(store: EventStore) -> (Self, Tail) {
        let (entries, _) = broadcast::channel(RETAINED_ENTRIES);
        let (begun, watched) = watch::channel(false);
        let tail = Tail { entries: entries.downgrade(), begun: watched };
        (Self { store, entries, begun }, tail)
    }

    /// Follows until `shutdown`, which ends all followers' tails.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut reached = None;
        let mut pause = FIRST_RETRY_PAUSE;
        loop {
            let before = reached;
            let Some(Err(error)) = shutdown.run_until_cancelled(self.follow(&mut reached)).await else {
                return;
            };
            self.store.reconnect();
            if reached != before {
                pause = FIRST_RETRY_PAUSE;
            }
            tracing::warn!(%error, retry.pause_ms = pause.as_millis(), "the live audit log was interrupted");
            if shutdown.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(LONGEST_RETRY_PAUSE);
        }
    }

    /// Passes on what comes after `reached`, which moves along; the first time, what comes from now on.
    async fn follow(&self, reached: &mut Option<AllPosition>) -> Result<Infallible, StoreError> {
        if !*self.begun.borrow() {
            *reached = newest(&self.store).await?;
            // Whatever is recorded after this moment will be passed on.
            self.begun.send_replace(true);
        }
        let mut subscription =
            self.store.subscribe_to_all(&DomainStream::BOTH.map(DomainStream::name), *reached).await?;
        tracing::info!("following the live audit log");
        loop {
            for delivery in subscription.next_batch(BATCH).await? {
                match delivery {
                    Delivery::Event(event) => {
                        *reached = Some(event.position);
                        self.pass_on(event);
                    }
                    Delivery::Checkpoint(position) => *reached = Some(position),
                    Delivery::CaughtUp => {}
                }
            }
        }
    }

    fn pass_on(&self, event: Recorded) {
        // Who joins later reads it from the event store.
        if self.entries.receiver_count() == 0 {
            return;
        }
        if let Some(entry) = LiveEntry::new(event) {
            // Without receivers there is nothing to do.
            let _ = self.entries.send(Arc::new(entry));
        }
    }
}

impl Tail {
    /// Everything that is recorded after this call, in order. What was recorded before may be among it.
    ///
    /// `None` if the subscription has not begun in time, or has ended for good.
    pub(crate) async fn join(&self) -> Option<broadcast::Receiver<Arc<LiveEntry>>> {
        let mut begun = self.begun.clone();
        timeout(START_LIMIT, begun.wait_for(|begun| *begun)).await.ok()?.ok()?;
        self.entries.upgrade().map(|entries| entries.subscribe())
    }
}
