//! Feeds: the audit log as server-sent events, for any number of followers up to a limit.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use futures::{Stream, StreamExt, stream};
use shared_infrastructure::event_store::StoreError;
use shared_kernel::Position;
use shared_service::Problem;
use shared_telemetry::table::FEEDS;
use shared_telemetry::{AtScrape, at_scrape};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::{Instant, sleep, timeout_at};

use crate::cursor::Cursor;
use crate::filter::Filter;
use crate::joining::End;
use crate::live::{LiveEntry, NotFollowing, Tail};
use crate::place::LogPlace;
use crate::reader::{Chunk, LogReader, ReadError};
use crate::stream::Log;

/// How many entries of the past are read at once.
const HISTORY_CHUNK: usize = 100;
const HISTORY_RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How soon a client should come back when its connection breaks.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);
/// The same when there is no use in it, since what it asks for has to change first.
const RECONNECT_IN_VAIN_AFTER: Duration = Duration::from_secs(30);
/// After how many entries that its filter leaves out, and after which time, a client gets to know how far it has come.
const TELL_AFTER_ENTRIES: usize = 100;
const TELL_AFTER: Duration = Duration::from_secs(5);

/// Opens feeds.
pub(crate) struct Feeds {
    log: Log,
    reader: Arc<LogReader>,
    end: End,
    tail: Tail,
    slots: Arc<Semaphore>,
}

/// Why there is no feed.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// There are too many already.
    Full,
    /// The event store could not be reached since the start, or refuses.
    NotFollowing(NotFollowing),
    /// It could not be read from where it should begin.
    Read(ReadError),
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl Feeds {
    /// At most `max_followers` feeds of a list at a time, which is what `tail` follows.
    pub(crate) fn new(log: Log, reader: Arc<LogReader>, tail: Tail, max_followers: usize) -> Self {
        let end = End::new(log, Arc::clone(&reader));
        Self { log, reader, end, tail, slots: Arc::new(Semaphore::new(max_followers.min(Semaphore::MAX_PERMITS))) }
    }

    /// Measures how many are open, as long as what this gives is kept.
    pub(crate) fn measured(&self) -> AtScrape {
        let (open, slots, most) = (FEEDS.of([crate::NAME]), Arc::clone(&self.slots), self.slots.available_permits());
        at_scrape(move || {
            open.set(most.saturating_sub(slots.available_permits()) as f64);
            std::future::ready(())
        })
    }

    /// Opens a feed of what fits the filter and comes after a place, or from now on.
    ///
    /// # Errors
    /// [`OpenError`] if there is none.
    pub(crate) async fn open(&self, after: Option<Position>, filter: Filter) -> Result<Feed, OpenError> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| OpenError::Full)?;
        // Joined first, then read: what is recorded in between comes twice rather than not at all.
        let receiver = self.tail.join().await.map_err(OpenError::NotFollowing)?;
        let head = self.end.head().await?;
        let (place, missed, chunk) = match after {
            Some(after) => match self.end.missed(&after, &head).await? {
                Some(missed) => (after, missed, Chunk::END),
                None => {
                    let chunk = self.reader.read(self.log, &LogPlace::After(after.clone()), HISTORY_CHUNK).await?;
                    (after, Vec::new(), chunk)
                }
            },
            None => (head, Vec::new(), Chunk::END),
        };
        let mut feed = Feed {
            log: self.log,
            reader: Arc::clone(&self.reader),
            tail: self.tail.clone(),
            receiver,
            filter,
            told: place.clone(),
            tell_by: Instant::now() + TELL_AFTER,
            passed_over: 0,
            place,
            ready: missed.into(),
            phase: Phase::Live,
            _slot: slot,
        };
        feed.take(chunk);
        Ok(feed)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Reading what is there already.
    History,
    /// Waiting for what comes.
    Live,
}

/// What one client gets: everything after its place that fits its filter, once and in order.
pub(crate) struct Feed {
    log: Log,
    reader: Arc<LogReader>,
    tail: Tail,
    receiver: broadcast::Receiver<Arc<LiveEntry>>,
    filter: Filter,
    /// What the client has got, or would have got without its filter.
    place: Position,
    /// What the client knows of that.
    told: Position,
    /// When it gets to know it, if nothing comes that it wants.
    tell_by: Instant,
    /// How many entries were left out since then.
    passed_over: usize,
    /// What it gets next. Empty whenever more is fetched.
    ready: VecDeque<Arc<LiveEntry>>,
    phase: Phase,
    _slot: OwnedSemaphorePermit,
}

/// What comes next in a feed.
#[derive(Debug)]
pub(crate) enum Next {
    Entry(Arc<LiveEntry>),
    /// Nothing that is wanted, up to its place.
    PassedOver,
    /// Nothing more; why, unless the service ends.
    End(Option<ReadError>),
}

impl Feed {
    /// What the client has got so far.
    pub(crate) const fn place(&self) -> &Position {
        &self.place
    }

    /// The feed as server-sent events: each has the cursor behind it as its id, and what `shown` says of the entry as its
    /// data. `problem` says what to tell its client when it cannot go on.
    pub(crate) fn into_events(
        self,
        shown: fn(&LiveEntry) -> &str,
        problem: impl Fn(ReadError) -> Problem + Send + 'static,
    ) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        let first = Event::default().retry(RECONNECT_AFTER).id(self.cursor());
        let following = stream::unfold(Some((self, problem)), move |following| async move {
            let (mut feed, problem) = following?;
            match feed.next().await {
                Next::Entry(entry) => {
                    Some((Event::default().id(feed.cursor()).data(shown(&entry)), Some((feed, problem))))
                }
                // Without data, an id only tells the client where to resume.
                Next::PassedOver => Some((Event::default().id(feed.cursor()), Some((feed, problem)))),
                Next::End(error) => Some((problem_event(problem(error?)), None)),
            }
        });
        stream::iter([first]).chain(following).map(Ok)
    }

    /// What comes next. It ends when the service does, when the event store refuses, or when the log turns out not to be
    /// the one that was read before.
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            while let Some(entry) = self.ready.pop_front() {
                if self.is_new(&entry) {
                    self.place = std::mem::take(&mut self.place).with(entry.stream, Some(entry.revision));
                    if self.filter.admits(&entry.facets) {
                        self.tell();
                        return Next::Entry(entry);
                    }
                    self.passed_over += 1;
                    if self.passed_over >= TELL_AFTER_ENTRIES {
                        return self.pass_over();
                    }
                }
            }
            match self.phase {
                Phase::History => match self.read_on().await {
                    Ok(chunk) => self.take(chunk),
                    Err(ReadError::Store(StoreError::Unavailable(_))) => sleep(HISTORY_RETRY_PAUSE).await,
                    Err(error) => return Next::End(Some(error)),
                },
                Phase::Live => match self.receive().await {
                    None => return self.pass_over(),
                    Some(Ok(entry)) => self.ready.push_back(entry),
                    Some(Err(RecvError::Lagged(_))) => self.phase = Phase::History,
                    Some(Err(RecvError::Closed)) => return Next::End(self.tail.outage().map(ReadError::Store)),
                },
            }
        }
    }

    /// What comes live; `None` if it is time to tell how far the client has come without anything that it wants.
    async fn receive(&mut self) -> Option<Result<Arc<LiveEntry>, RecvError>> {
        if self.place == self.told {
            return Some(self.receiver.recv().await);
        }
        timeout_at(self.tell_by, self.receiver.recv()).await.ok()
    }

    fn pass_over(&mut self) -> Next {
        self.tell();
        Next::PassedOver
    }

    /// Notes that the client gets to know its place.
    fn tell(&mut self) {
        self.told.clone_from(&self.place);
        self.passed_over = 0;
        self.tell_by = Instant::now() + TELL_AFTER;
    }

    async fn read_on(&self) -> Result<Chunk, ReadError> {
        self.reader.read(self.log, &LogPlace::After(self.place.clone()), HISTORY_CHUNK).await
    }

    fn take(&mut self, chunk: Chunk) {
        self.ready.extend(chunk.events.into_iter().filter_map(LiveEntry::new).map(Arc::new));
        self.phase = if chunk.reached_end { Phase::Live } else { Phase::History };
    }

    fn is_new(&self, entry: &LiveEntry) -> bool {
        self.place.revision_in(entry.stream) < Some(entry.revision)
    }

    fn cursor(&self) -> String {
        Cursor::at(self.log, LogPlace::After(self.place.clone())).encode()
    }
}

/// An event that says why there are no others. Its client stays where it was, and comes back by itself: a status other
/// than 200 would keep a browser from ever trying again.
pub(crate) fn problem_event(problem: Problem) -> Event {
    let (document, retry_after) = problem.into_document();
    Event::default().event("problem").retry(retry_after.unwrap_or(RECONNECT_IN_VAIN_AFTER)).data(document)
}

#[cfg(test)]
mod tests;
