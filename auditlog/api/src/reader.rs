//! Reading the audit log from the streams themselves, in either direction.

mod merge;

use std::time::Duration;

use futures::future::try_join_all;
use shared_infrastructure::event_store::{EventStore, Recorded, StoreError};
use shared_kernel::{Position, Revision};
use tokio::time::timeout;

use crate::place::{Descent, Place};
use crate::stream::{DomainStream, Log};
use merge::{Part, merge, merge_down};

/// The longest a read may take with all its attempts: whoever asks gets to know within two seconds that the event store
/// is away.
const READ_LIMIT: Duration = Duration::from_millis(1_400);
/// How many events are read at once of what a stream has gained while the other was looked at.
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
    pub(crate) events: Vec<Recorded>,
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

    /// Reads on from a place in a list, at most `limit` events. What it costs depends on `limit` alone.
    pub(crate) async fn read(&self, log: Log, from: Place, limit: usize) -> Result<Chunk, ReadError> {
        self.in_time(async {
            match (from, log) {
                (Place::After(after), Log::Flights) => self.read_one(DomainStream::Flight, after, limit).await,
                (Place::After(after), Log::Passengers) => self.read_one(DomainStream::Passenger, after, limit).await,
                (Place::After(after), Log::All) => self.read_both(after, limit).await,
                (Place::Before(Descent { rest, .. }), log) => self.read_down(log, rest, limit).await,
            }
        })
        .await
    }

    /// How far a list reaches: everything up to some event, and nothing that was recorded after it.
    pub(crate) async fn head(&self, log: Log) -> Result<Position, ReadError> {
        self.in_time(async {
            match log {
                Log::Flights => Ok(Position::in_flight_stream(self.last(DomainStream::Flight).await?)),
                Log::Passengers => Ok(Position::in_passenger_stream(self.last(DomainStream::Passenger).await?)),
                Log::All => self.head_of_both().await,
            }
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

    /// The newest event of both streams, and the newest one of the other stream before it.
    ///
    /// As in [`LogReader::read_both`], the stream that has come less far may have grown before the other was read, and has
    /// to be read once more.
    async fn head_of_both(&self) -> Result<Position, ReadError> {
        let [flights, passengers] = DomainStream::BOTH.map(|stream| self.newest(stream));
        let (flight, passenger) = tokio::try_join!(flights, passengers)?;
        let place = |event: &Option<Recorded>| event.as_ref().map(|event| event.position);
        let (ahead, mut behind, stream) = if place(&flight) > place(&passenger) {
            (flight, passenger, DomainStream::Passenger)
        } else {
            (passenger, flight, DomainStream::Flight)
        };
        let Some(newest) = ahead else { return Ok(Position::default()) };
        loop {
            let mut more = self.part(stream, behind.as_ref().map(|event| event.revision), HEAD_CHUNK).await?;
            let found = more.events.len();
            more.events.retain(|event| event.position < newest.position);
            let is_all = more.ended || more.events.len() < found;
            behind = more.events.pop().or(behind);
            if is_all {
                break;
            }
        }
        let behind = stream.position(behind.map(|event| event.revision));
        Ok(DomainStream::position_of(&newest).and(behind))
    }

    /// Reads what is left of a list towards its beginning. What is read does not change any more, so that the streams can
    /// be read one by one.
    async fn read_down(&self, log: Log, rest: Position, limit: usize) -> Result<Chunk, ReadError> {
        let parts = log.streams().iter().map(|stream| self.part_down(*stream, stream.revision_in(rest), limit));
        Ok(merge_down(try_join_all(parts).await?, limit))
    }

    /// Reads a stream towards its beginning, from the event with number `from`; nothing, if there is none.
    async fn part_down(&self, stream: DomainStream, from: Option<Revision>, limit: usize) -> Result<Part, ReadError> {
        let Some(from) = from else { return Ok(Part { events: Vec::new(), ended: true }) };
        let events = self.store.read_backwards(stream.name(), from, limit).await?;
        // If that event is not there, those before it are not what the reader has come to.
        if events.first().map(|event| event.revision) != Some(from) {
            return Err(ReadError::BeyondEnd);
        }
        let ended = events.len() < limit || events.last().is_some_and(|event| event.revision == Revision(0));
        Ok(Part { events, ended })
    }

    /// Reads a stream after the event with number `after`, or from its beginning.
    async fn part(&self, stream: DomainStream, after: Option<Revision>, limit: usize) -> Result<Part, ReadError> {
        // The event before is read as well: if it is not there, nothing that follows is what the reader waits for.
        let (from, wanted) = after.map_or((Revision(0), limit), |after| (after, limit.saturating_add(1)));
        let mut events = self.store.read_forwards(stream.name(), from, wanted).await?;
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
        Ok(self.newest(stream).await?.map(|event| event.revision))
    }

    /// A stream's newest event.
    async fn newest(&self, stream: DomainStream) -> Result<Option<Recorded>, StoreError> {
        self.store.last_event(stream.name()).await
    }
}
