//! Reading the audit log from the streams themselves, in either direction.

mod merge;
mod times;

use std::time::Duration;

use futures::future::try_join_all;
use shared_infrastructure::event_store::{AllPosition, EventStore, Recorded, StoreError};
use shared_infrastructure::refusals::REFUSALS;
use shared_kernel::{Position, Revision, Stream};
use tokio::time::timeout;

use crate::place::{Descent, LogPlace};
use crate::stream::{Log, LogEvent};
use merge::{Part, merge, merge_down};

/// The longest a read may take with all its attempts: whoever asks gets to know within two seconds that the event store
/// is away.
const READ_LIMIT: Duration = Duration::from_millis(1_400);
/// How many events are read at once of what a stream has gained while the others were looked at.
const HEAD_CHUNK: usize = 100;

/// Why the audit log could not be read on from some place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadError {
    /// The stream has no event there: the place is one of another event store, or of one that was reset.
    #[error("is beyond the end of the audit log, which must have been started anew; start again without a cursor")]
    BeyondEnd,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A piece of a list.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The events, in the event store's order, or against it.
    pub(crate) events: Vec<LogEvent>,
    /// Whether nothing is left in this direction of what was recorded before the read began.
    pub(crate) reached_end: bool,
}

impl Chunk {
    /// What comes after everything.
    pub(crate) const END: Self = Self { events: Vec::new(), reached_end: true };
}

/// Reads the lists of the audit log.
pub(crate) struct LogReader {
    store: EventStore,
}

impl LogReader {
    pub(crate) const fn new(store: EventStore) -> Self {
        Self { store }
    }

    /// Reads on from a place in a list, at most `limit` events. What it costs depends on `limit` and the number of
    /// streams alone.
    pub(crate) async fn read(&self, log: Log, from: &LogPlace, limit: usize) -> Result<Chunk, ReadError> {
        self.in_time(async {
            match from {
                LogPlace::After(after) => self.read_up(log, after, limit).await,
                LogPlace::Before(Descent { rest, .. }) => self.read_down(log, rest, limit).await,
            }
        })
        .await
    }

    /// How far a list reaches: everything up to some event, and nothing that was recorded after it.
    ///
    /// The streams are read one by one, so those that were read before the one with the newest event may have grown up
    /// to that event since, and are read once more.
    pub(crate) async fn head(&self, log: Log) -> Result<Position, ReadError> {
        self.in_time(async {
            let newest = log.streams().map(async |stream| Ok::<_, ReadError>((stream, self.newest(stream).await?)));
            let newest = try_join_all(newest).await?;
            let place = |event: &Option<Recorded>| event.as_ref().map(|event| event.position);
            let Some(top) = newest.iter().filter_map(|(_, event)| place(event)).max() else {
                return Ok(Position::default());
            };
            let mut head = Position::default();
            for (stream, event) in newest {
                let is_top = place(&event) == Some(top);
                let before = event.map(|event| event.revision);
                let last = if is_top { before } else { self.last_before(stream, before, top).await? };
                head = head.and(Position::at(stream, last));
            }
            Ok(head)
        })
        .await
    }

    async fn in_time<T>(&self, read: impl Future<Output = Result<T, ReadError>>) -> Result<T, ReadError> {
        timeout(READ_LIMIT, read).await.unwrap_or_else(|_| {
            self.store.reconnect();
            let limit_ms = READ_LIMIT.as_millis();
            Err(StoreError::Unavailable(format!("no answer within {limit_ms} ms")).into())
        })
    }

    /// Reads the streams of a list and puts their events in order.
    ///
    /// The streams are read one by one, so one may have grown between the reads. What a stream that ended earlier holds
    /// up to the newest event of the others is only known if it is read after that event was seen.
    async fn read_up(&self, log: Log, after: &Position, limit: usize) -> Result<Chunk, ReadError> {
        let parts = log.streams().map(|stream| self.part(stream, after.revision_in(stream), limit));
        let mut parts = try_join_all(parts).await?;
        let top = parts.iter().filter_map(Part::last_position).max();
        for part in parts.iter_mut().filter(|part| part.ended && part.last_position() < top) {
            let last = part.last_revision().or(after.revision_in(part.stream));
            part.extend(self.part(part.stream, last, limit).await?);
        }
        Ok(merge(parts, top, limit))
    }

    /// The number of the newest event of a stream before a place in the log. `known` is one before it.
    async fn last_before(
        &self,
        stream: Stream,
        mut known: Option<Revision>,
        top: AllPosition,
    ) -> Result<Option<Revision>, ReadError> {
        loop {
            let part = self.part(stream, known, HEAD_CHUNK).await?;
            let before = part.events.iter().filter(|event| event.recorded.position < top).count();
            known = part.events[..before].last().map(|event| event.recorded.revision).or(known);
            if part.ended || before < part.events.len() {
                return Ok(known);
            }
        }
    }

    /// Reads what is left of a list towards its beginning. What is read does not change any more, so that the streams
    /// can be read one by one.
    async fn read_down(&self, log: Log, rest: &Position, limit: usize) -> Result<Chunk, ReadError> {
        let parts = log.streams().map(|stream| self.part_down(stream, rest.revision_in(stream), limit));
        Ok(merge_down(try_join_all(parts).await?, limit))
    }

    /// Reads a stream towards its beginning, from the event with number `from`; nothing, if there is none.
    async fn part_down(&self, stream: Stream, from: Option<Revision>, limit: usize) -> Result<Part, ReadError> {
        let Some(from) = from else { return Ok(Part::of(stream, Vec::new(), true)) };
        let events = self.store.read_backwards(stream.name, from, limit).await?;
        // If that event is not there, those before it are not what the reader has come to.
        match events.first().map(|event| event.revision) {
            Some(first) if first == from => {}
            None if self.has_expired(stream).await? => {}
            _ => return Err(ReadError::BeyondEnd),
        }
        let ended = events.len() < limit || events.last().is_some_and(|event| event.revision == Revision(0));
        Ok(Part::of(stream, events, ended))
    }

    /// Reads a stream after the event with number `after`, or from its beginning.
    async fn part(&self, stream: Stream, after: Option<Revision>, limit: usize) -> Result<Part, ReadError> {
        // The event before is read as well: if it is not there, nothing that follows is what the reader waits for.
        let (from, wanted) = after.map_or((Revision(0), limit), |after| (after, limit.saturating_add(1)));
        let mut events = self.store.read_forwards(stream.name, from, wanted).await?;
        let ended = events.len() < wanted;
        match (after, events.first().map(|event| event.revision)) {
            (Some(_), None) if self.has_expired(stream).await? => {}
            (Some(_), None) => return Err(ReadError::BeyondEnd),
            (Some(after), Some(first)) if first == after => drop(events.remove(0)),
            // The beginning; or what came before has expired.
            _ => {}
        }
        Ok(Part::of(stream, events, ended))
    }

    /// Whether a stream that showed events is empty because none of them is kept any more.
    async fn has_expired(&self, stream: Stream) -> Result<bool, StoreError> {
        Ok(stream == REFUSALS && self.newest(stream).await?.is_none())
    }

    /// A stream's newest event.
    async fn newest(&self, stream: Stream) -> Result<Option<Recorded>, StoreError> {
        self.store.last_event(stream.name).await
    }
}
