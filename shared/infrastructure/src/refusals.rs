//! Refused commands, recorded in a stream of their own.
//!
//! Nothing is decided on that stream, and nothing waits for it: what cannot be recorded is counted, and the count is
//! recorded later. It holds no personal data but the name that an actor gives itself.

mod recorder;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use serde_json::{Map, Value};
use shared_kernel::{Cause, Stream};
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::event_store::EventStore;
pub use recorder::RefusalRecorder;

/// The stream of refused commands. No domain's.
pub const REFUSALS: Stream = Stream::new("refusals", "ref");
/// How long refused commands are kept unless something else is wanted.
pub const KEEP_REFUSALS_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How many refused commands one service records in a second, on the average; and how many at once.
const PER_SECOND: NonZeroU32 = match NonZeroU32::new(50) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};
/// How many wait to be recorded.
const QUEUE: usize = 1_000;

/// A command that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What was asked for: method and route, such as `POST /api/gates/{id}/close`, without what stood in the path.
    pub command: String,
    /// The things that it named, by the names of their fields.
    pub things: Vec<(&'static str, Uuid)>,
    /// The slug of the problem that it was answered with.
    pub problem: &'static str,
    /// The status that it was answered with.
    pub status: u16,
    /// Who asked, and with what it belongs together.
    pub cause: Cause,
    /// When it was refused, by the clock of this service.
    pub at: Timestamp,
}

impl Refused {
    fn data(&self, service: &str) -> Map<String, Value> {
        let things = self.things.iter().map(|(field, id)| ((*field).to_owned(), id.to_string().into()));
        let fields = [
            ("command", self.command.as_str().into()),
            ("status", self.status.into()),
            ("problem", self.problem.into()),
            ("service", service.into()),
            ("refusedAt", self.at.to_string().into()),
        ];
        things.chain(fields.map(|(name, value): (&str, Value)| (name.to_owned(), value))).collect()
    }
}

/// Takes refused commands to be recorded. Never waits.
#[derive(Clone)]
pub struct RefusalLog {
    queue: mpsc::Sender<Refused>,
    rate: Arc<DefaultDirectRateLimiter>,
    left_out: Arc<LeftOut>,
}

/// What is not recorded.
#[derive(Default)]
struct LeftOut {
    /// How many refused commands since the last time that their number was recorded.
    count: AtomicU64,
    /// Called when there are some.
    news: Notify,
}

impl LeftOut {
    fn add(&self, count: u64) {
        if count > 0 {
            self.count.fetch_add(count, Ordering::Relaxed);
            self.news.notify_one();
        }
    }

    fn take(&self) -> u64 {
        self.count.swap(0, Ordering::Relaxed)
    }
}

impl RefusalLog {
    /// Where a service notes refused commands, and what records them there, each for as long as `keep_for`.
    #[must_use]
    pub fn new(event_store: &EventStore, service: String, keep_for: Duration) -> (Self, RefusalRecorder) {
        let (queue, refused) = mpsc::channel(QUEUE);
        let left_out = Arc::<LeftOut>::default();
        let rate = Arc::new(RateLimiter::direct(Quota::per_second(PER_SECOND)));
        let recorder = RefusalRecorder::new(event_store, service, keep_for, refused, Arc::clone(&left_out));
        (Self { queue, rate, left_out }, recorder)
    }

    /// How many refused commands were not recorded, and their number neither so far.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out.count.load(Ordering::Relaxed)
    }

    /// Has a refused command recorded, unless there are too many.
    pub fn note(&self, refused: Refused) {
        if self.rate.check().is_err() || self.queue.try_send(refused).is_err() {
            self.left_out.add(1);
        }
    }
}
