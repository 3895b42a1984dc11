//! Where followers join: how far the log reaches, and what those have missed who were there a moment ago. Whoever asks
//! at the same time shares one read: after a restart all come back at once, and a read for each would keep the event
//! store from answering any of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shared_kernel::Position;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::live::{LiveEntry, RETAINED_ENTRIES};
use crate::place::{Descent, LogPlace};
use crate::reader::{LogReader, ReadError};
use crate::stream::Log;

/// What was missed is read in multiples of this many entries, so that what was read for one serves those who have
/// missed a little more.
const STEP: u64 = 100;

/// The end of a list, for those who join there.
pub(crate) struct End {
    log: Log,
    reader: Arc<LogReader>,
    looks: Together<Look>,
    recent: Together<Arc<Recent>>,
}

/// How far the list reached at some time.
#[derive(Clone)]
struct Look {
    begun: Instant,
    head: Position,
}

/// The last entries of a list.
struct Recent {
    /// The end of the list.
    head: Position,
    entries: Vec<Arc<LiveEntry>>,
}

impl Recent {
    /// Those that come after a place.
    fn after(&self, place: &Position) -> impl Iterator<Item = &Arc<LiveEntry>> {
        self.entries.iter().filter(|entry| place.revision_in(entry.stream) < Some(entry.revision))
    }
}

impl End {
    pub(crate) fn new(log: Log, reader: Arc<LogReader>) -> Self {
        Self { log, reader, looks: Together::default(), recent: Together::default() }
    }

    /// How far the list reaches: at least up to what was recorded before this call.
    ///
    /// # Errors
    /// [`ReadError`] if it could not be read while this call waited for it.
    pub(crate) async fn head(&self) -> Result<Position, ReadError> {
        let asked = Instant::now();
        let look = async {
            let begun = Instant::now();
            Ok(Look { begun, head: self.reader.head(self.log).await? })
        };
        Ok(self.looks.ask(|look| look.begun >= asked, look).await?.head)
    }

    /// Everything after a place up to `head`, and perhaps some more, in order; `None` if that is more than a follower
    /// may fall behind, or if the place is none of this list.
    ///
    /// # Errors
    /// As [`End::head`].
    pub(crate) async fn missed(
        &self,
        after: &Position,
        head: &Position,
    ) -> Result<Option<Vec<Arc<LiveEntry>>>, ReadError> {
        let Some(missed) = self.distance(after, head).filter(|missed| *missed <= RETAINED_ENTRIES as u64) else {
            return Ok(None);
        };
        if missed == 0 {
            return Ok(Some(Vec::new()));
        }
        let serves = |recent: &Arc<Recent>| self.log.covers(&recent.head, head) && self.has_all_after(recent, after);
        let read = self.last_entries(head, missed.next_multiple_of(STEP));
        match self.recent.ask(serves, read).await {
            Ok(recent) if self.has_all_after(&recent, after) => Ok(Some(recent.after(after).cloned().collect())),
            // A place that was never the end of the list; or the list is another one by now.
            Ok(_) | Err(ReadError::BeyondEnd) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn last_entries(&self, head: &Position, limit: u64) -> Result<Arc<Recent>, ReadError> {
        let top = LogPlace::Before(Descent::from_top(head.clone()));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let events = self.reader.read(self.log, &top, limit).await?.events;
        let entries = events.into_iter().rev().filter_map(LiveEntry::new).map(Arc::new).collect();
        Ok(Arc::new(Recent { head: head.clone(), entries }))
    }

    /// Whether nothing lacks of what comes after a place.
    fn has_all_after(&self, recent: &Recent, after: &Position) -> bool {
        self.distance(after, &recent.head) == Some(recent.after(after).count() as u64)
    }

    /// How many events there are from one place to another; `None` if the first is behind the other one.
    fn distance(&self, from: &Position, to: &Position) -> Option<u64> {
        let count = |position: &Position, stream| position.revision_in(stream).map_or(0, |last| last.0 + 1);
        self.log.streams().try_fold(0, |sum, stream| Some(sum + count(to, stream).checked_sub(count(from, stream))?))
    }
}

/// A read that is made once for all who ask at about the same time.
struct Together<T> {
    /// What the last read gave, or when it has failed. Locked while one is under way, and let go of with the last who
    /// waits for it.
    last: Mutex<Option<Result<T, (Instant, ReadError)>>>,
    asking: AtomicUsize,
}

impl<T> Default for Together<T> {
    fn default() -> Self {
        Self { last: Mutex::new(None), asking: AtomicUsize::new(0) }
    }
}

impl<T: Clone> Together<T> {
    /// What somebody else has read, if it `serves`; else what `read` gives. Nobody tries again what has failed while
    /// they waited: they would have to wait once more, one after the other.
    async fn ask(
        &self,
        serves: impl Fn(&T) -> bool,
        read: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        let asked = Instant::now();
        let asking = Asking::of(&self.asking);
        let mut last = self.last.lock().await;
        let known = match &*last {
            Some(Ok(found)) if serves(found) => Some(Ok(found.clone())),
            Some(Err((failed, error))) if *failed >= asked => Some(Err(error.clone())),
            _ => None,
        };
        let answer = match known {
            Some(answer) => answer,
            None => {
                let answer = read.await;
                *last = Some(answer.clone().map_err(|error| (Instant::now(), error)));
                answer
            }
        };
        // Whoever comes from now on looks for themselves.
        if asking.alone() {
            *last = None;
        }
        answer
    }
}

/// One of those who ask, also if they go away meanwhile.
struct Asking<'a>(&'a AtomicUsize);

impl<'a> Asking<'a> {
    fn of(asking: &'a AtomicUsize) -> Self {
        asking.fetch_add(1, Ordering::Relaxed);
        Self(asking)
    }

    fn alone(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
