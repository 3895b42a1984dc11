//! Reading the audit log forwards from the streams themselves.

mod merge;

use std::time::Duration;

use shared_infrastructure::event_store::{AllPosition, EventStore, Recorded, StoreError};
use shared_kernel::{Position, Revision};
use tokio::time::timeout;

use crate::stream::{DomainStream, Log};
use merge::{Part, merge};

/// The longest a read may take with all its attempts: whoever asks gets to know within two seconds that the event store
/// is away.
const READ_LIMIT: Duration = Duration::from_millis(1_400);

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
    /// The events, in the event store's order.
    pub(crate) events: Vec<Recorded>,
    /// Whether everything that was recorded before the read began has been read now.
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

    /// Reads what comes after a place in a list, at most `limit` events. What it costs depends on `limit` alone.
    pub(crate) async fn read(&self, log: Log, after: Position, limit: usize) -> Result<Chunk, ReadError> {
        self.in_time(async {
            match log {
                Log::Flights => self.read_one(DomainStream::Flight, after, limit).await,
                Log::Passengers => self.read_one(DomainStream::Passenger, after, limit).await,
                Log::All => self.read_both(after, limit).await,
            }
        })
        .await
    }

    /// How far both streams reach.
    pub(crate) async fn head(&self) -> Result<Position, ReadError> {
        self.in_time(async {
            let [flights, passengers] = DomainStream::BOTH.map(|stream| self.last(stream));
            let (flight, passenger) = tokio::try_join!(flights, passengers)?;
            Ok(Position { flight, passenger })
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

    async fn read_one(&self, stream: DomainStream, after: Position, limit: usize) -> Result<Chunk, ReadError> {
        let part = self.part(stream, stream.revision_in(after), limit).await?;
        Ok(Chunk { events: part.events, reached_end: part.ended })
    }

    /// Reads both streams and puts them in order.
    ///
    /// The streams are read one by one, so one may have grown between the reads. What the stream that has come less far
    /// holds up to the other's last event is only known if it is read after that event was seen.
    async fn read_both(&self, after: Position, limit: usize) -> Result<Chunk, ReadError> {
        let [flights, passengers] =
            DomainStream::BOTH.map(|stream| self.part(stream, stream.revision_in(after), limit));
        let (flights, passengers) = tokio::try_join!(flights, passengers)?;
        let (ahead, mut behind, stream) = if flights.last_position() > passengers.last_position() {
            (flights, passengers, DomainStream::Passenger)
        } else {
            (passengers, flights, DomainStream::Flight)
        };
        if behind.ended && !ahead.events.is_empty() {
            let last = behind.last_revision().or(stream.revision_in(after));
            behind.extend(self.part(stream, last, limit).await?);
        }
        Ok(merge(ahead, behind, limit))
    }

    /// Reads a stream after the event with number `after`, or from its beginning.
    async fn part(&self, stream: DomainStream, after: Option<Revision>, limit: usize) -> Result<Part, ReadError> {
        // The event before is read as well: if it is not there, nothing that follows is what the reader waits for.
        let (from, wanted) = after.map_or((Revision(0), limit), |after| (after, limit.saturating_add(1)));
        let mut events = self.twice(|| self.store.read_forwards(stream.name(), from, wanted)).await?;
        let ended = events.len() < wanted;
        match (after, events.first().map(|event| event.revision)) {
            (Some(_), None) => return Err(ReadError::BeyondEnd),
            (Some(after), Some(first)) if first == after => drop(events.remove(0)),
            // The beginning; or what came before has been scavenged.
            _ => {}
        }
        Ok(Part { events, ended })
    }

    /// The number of a stream's newest event.
    async fn last(&self, stream: DomainStream) -> Result<Option<Revision>, StoreError> {
        self.twice(|| self.store.last_revision(stream.name())).await
    }

    /// Tries a second time with a new connection: after an interruption the old one may be of no use any more.
    async fn twice<T, F>(&self, read: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        match read().await {
            Err(StoreError::Unavailable(_)) => {
                self.store.reconnect();
                read().await
            }
            outcome => outcome,
        }
    }
}

/// The place of the newest event of the audit log among all events; `None` if there is none yet.
///
/// # Errors
/// [`StoreError`] if the event store cannot be reached.
pub(crate) async fn newest(store: &EventStore) -> Result<Option<AllPosition>, StoreError> {
    let mut newest = None;
    for stream in DomainStream::BOTH.map(DomainStream::name) {
        if let Some(last) = store.last_revision(stream).await? {
            let events = store.read_forwards(stream, last, 1).await?;
            newest = newest.max(events.first().map(|event| event.position));
        }
    }
    Ok(newest)
}
