//! Feeds: the audit log as server-sent events, for any number of followers up to a limit.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use futures::{Stream, StreamExt, stream};
use shared_infrastructure::event_store::StoreError;
use shared_kernel::Position;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::sleep;

use crate::cursor::Cursor;
use crate::live::{LiveEntry, NotFollowing, Tail};
use crate::place::LogPlace;
use crate::reader::{Chunk, LogReader, ReadError};
use crate::stream::Log;

/// How many entries of the past are read at once.
const HISTORY_CHUNK: usize = 100;
const HISTORY_RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How soon a client should come back when its connection breaks.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// Opens feeds.
pub(crate) struct Feeds {
    log: Log,
    reader: Arc<LogReader>,
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
        Self { log, reader, tail, slots: Arc::new(Semaphore::new(max_followers.min(Semaphore::MAX_PERMITS))) }
    }

    /// Opens a feed of what comes after a place, or from now on.
    pub(crate) async fn open(&self, after: Option<Position>) -> Result<Feed, OpenError> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| OpenError::Full)?;
        // Joined first, then read: what is recorded in between comes twice rather than not at all.
        let receiver = self.tail.join().await.map_err(OpenError::NotFollowing)?;
        let (place, chunk) = match after {
            Some(after) => {
                let chunk = self.reader.read(self.log, &LogPlace::After(after.clone()), HISTORY_CHUNK).await?;
                (after, chunk)
            }
            None => (self.reader.head(self.log).await?, Chunk::END),
        };
        let mut feed = Feed {
            log: self.log,
            reader: Arc::clone(&self.reader),
            receiver,
            place,
            ready: VecDeque::new(),
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

/// What one client gets: everything after its place, once and in order.
pub(crate) struct Feed {
    log: Log,
    reader: Arc<LogReader>,
    receiver: broadcast::Receiver<Arc<LiveEntry>>,
    /// What the client has got.
    place: Position,
    /// What it gets next. Empty whenever more is fetched.
    ready: VecDeque<Arc<LiveEntry>>,
    phase: Phase,
    _slot: OwnedSemaphorePermit,
}

impl Feed {
    /// What the client has got so far.
    pub(crate) const fn place(&self) -> &Position {
        &self.place
    }

    /// The feed as server-sent events: each has the cursor behind it as its id.
    pub(crate) fn into_events(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        // Without data, an id only tells the client where to resume.
        let first = Event::default().retry(RECONNECT_AFTER).id(self.cursor());
        let entries = stream::unfold(self, |mut feed| async move {
            let entry = feed.next().await?;
            Some((Event::default().id(feed.cursor()).data(&entry.json), feed))
        });
        stream::iter([first]).chain(entries).map(Ok)
    }

    /// The next entry; `None` when the service ends, the event store refuses, or the log turns out not to be the one
    /// that was read before.
    async fn next(&mut self) -> Option<Arc<LiveEntry>> {
        loop {
            while let Some(entry) = self.ready.pop_front() {
                if self.is_new(&entry) {
                    self.place = std::mem::take(&mut self.place).with(entry.stream, Some(entry.revision));
                    return Some(entry);
                }
            }
            match self.phase {
                Phase::History => match self.read_on().await {
                    Ok(chunk) => self.take(chunk),
                    Err(ReadError::Store(StoreError::Unavailable(_))) => sleep(HISTORY_RETRY_PAUSE).await,
                    Err(ReadError::Store(StoreError::Refused(_)) | ReadError::BeyondEnd) => return None,
                },
                Phase::Live => match self.receiver.recv().await {
                    Ok(entry) => self.ready.push_back(entry),
                    Err(RecvError::Lagged(_)) => self.phase = Phase::History,
                    Err(RecvError::Closed) => return None,
                },
            }
        }
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

#[cfg(test)]
mod tests;
