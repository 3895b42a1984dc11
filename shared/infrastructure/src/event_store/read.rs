use std::time::Duration;

use prost::Message;
use shared_eventstore_protocol::client::Empty;
use shared_eventstore_protocol::streams::ReadEvent;
use shared_eventstore_protocol::streams::read_req::options::CountOption;
use shared_eventstore_protocol::streams::read_req::stream_options::RevisionOption;
use shared_eventstore_protocol::streams::read_req::{Options, ReadDirection};
use shared_eventstore_protocol::streams::read_resp::Content;
use shared_kernel::Revision;
use tokio::time::timeout;

use super::reading::{self, Connection};
use super::{EventStore, Recorded, Refusal, Right, StoreError};
use crate::limits;

impl EventStore {
    /// Reads a stream forwards from `from` (inclusive), at most `limit` events. A stream that does not exist has none.
    ///
    /// # Errors
    /// [`StoreError`] if the event store cannot be reached, or is silent for longer than an operation may take.
    pub async fn read_forwards(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        self.read(stream, &some(stream, RevisionOption::Revision(from.0), ReadDirection::Forwards, limit)).await
    }

    /// Reads a stream backwards from `from` (inclusive), or from its end if there is no such event, at most `limit`
    /// events. A stream that does not exist has none.
    ///
    /// # Errors
    /// As [`EventStore::read_forwards`].
    pub async fn read_backwards(
        &self,
        stream: &str,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.read(stream, &some(stream, RevisionOption::Revision(from.0), ReadDirection::Backwards, limit)).await
    }

    /// A stream's newest event; `None` for a stream without events.
    ///
    /// # Errors
    /// As [`EventStore::read_forwards`].
    pub async fn last_event(&self, stream: &str) -> Result<Option<Recorded>, StoreError> {
        Ok(self.read(stream, &newest(stream)).await?.pop())
    }

    /// The event with this number, which was there before.
    ///
    /// # Errors
    /// [`Refusal::OtherHistory`] or [`Refusal::EventsHidden`] if it is not there any more; else as
    /// [`EventStore::read_forwards`].
    pub async fn event_at(&self, stream: &str, revision: Revision) -> Result<Recorded, StoreError> {
        match self.read_forwards(stream, revision, 1).await?.pop() {
            Some(event) if event.revision == revision => Ok(event),
            Some(event) => Err(hidden(stream, revision, event.revision).into()),
            None => {
                let difference = format!("there is no event {revision}, which was read before");
                Err(Refusal::OtherHistory { stream: stream.to_owned(), difference }.into())
            }
        }
    }

    /// The number of a stream's newest event; `None` for a stream without events.
    ///
    /// # Errors
    /// As [`EventStore::read_forwards`].
    pub async fn last_revision(&self, stream: &str) -> Result<Option<Revision>, StoreError> {
        Ok(self.last_event(stream).await?.map(|event| event.revision))
    }

    /// Reads, and once more over a fresh connection if the event store does not answer: after a failover or a node that
    /// hung, the connection of the last read may be of no use any more, and nothing says so.
    async fn read(&self, stream: &str, options: &Options) -> Result<Vec<Recorded>, StoreError> {
        match self.read_once(stream, options, limits::STORE_FIRST_ATTEMPT).await {
            Err(StoreError::Unavailable(_)) => {}
            outcome => return outcome,
        }
        match self.read_once(stream, options, limits::STORE_OPERATION - limits::STORE_FIRST_ATTEMPT).await {
            Err(error) => Err(self.connections.explained(error).await),
            outcome => outcome,
        }
    }

    /// Reads; gives up the connection if it gets no answer.
    async fn read_once(&self, stream: &str, options: &Options, limit: Duration) -> Result<Vec<Recorded>, StoreError> {
        let opened = timeout(limit, self.reads.get()).await;
        let connection = opened.map_err(|_| StoreError::timeout("a connection", limit))??;
        let outcome = read_with(&connection, stream, options, limit).await;
        if matches!(outcome, Err(StoreError::Unavailable(_))) {
            self.reads.give_up(&connection);
        }
        outcome
    }
}

/// Up to `limit` events of a stream.
fn some(stream: &str, from: RevisionOption, direction: ReadDirection, limit: usize) -> Options {
    let count = CountOption::Count(u64::try_from(limit).unwrap_or(u64::MAX));
    Options { read_direction: direction.into(), ..reading::options(reading::stream(stream, from), count) }
}

/// The newest event of a stream.
pub(super) fn newest(stream: &str) -> Options {
    some(stream, RevisionOption::End(Empty {}), ReadDirection::Backwards, 1)
}

/// Reads; `limit` is for the time until the first part of the answer, and from each part to the next. A stream that does
/// not exist has no events; one that was deleted looks so as well, and is an error.
pub(super) async fn read_with(
    connection: &Connection,
    stream: &str,
    options: &Options,
    limit: Duration,
) -> Result<Vec<Recorded>, StoreError> {
    match found(connection, stream, options, limit).await? {
        Some(events) => Ok(events),
        None if is_hidden(connection, stream, limit).await? => Err(Refusal::StreamHidden(stream.to_owned()).into()),
        None => Ok(Vec::new()),
    }
}

/// Whether a stream that seems not to exist was deleted, as far as this user may know: its metadata says so.
async fn is_hidden(connection: &Connection, stream: &str, limit: Duration) -> Result<bool, StoreError> {
    let metadata = format!("$${stream}");
    match found(connection, &metadata, &newest(&metadata), limit).await {
        Ok(events) => Ok(events.and_then(|mut events| events.pop()).is_some_and(|event| hides_all(&event.data))),
        Err(StoreError::Refused(Refusal::AccessDenied(_) | Refusal::StreamDeleted(_))) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether metadata of a stream hide all of its events for ever, as a delete has it.
fn hides_all(metadata: &[u8]) -> bool {
    let metadata: Option<serde_json::Value> = serde_json::from_slice(metadata).ok();
    metadata.and_then(|metadata| metadata.get("$tb")?.as_i64()) == Some(i64::MAX)
}

/// Reads what there is; `None` if there is no such stream.
async fn found(
    connection: &Connection,
    stream: &str,
    options: &Options,
    limit: Duration,
) -> Result<Option<Vec<Recorded>>, StoreError> {
    let silent = |_| StoreError::timeout("a read", limit);
    let right = Right::Read(stream.to_owned());
    let failed = |status| reading::failure(&status, &right);
    let mut events = Vec::new();
    let begun = timeout(limit, connection.read(options.clone())).await;
    let mut answer = begun.map_err(silent)?.map_err(failed)?;
    while let Some(part) = timeout(limit, answer.message()).await.map_err(silent)?.map_err(failed)? {
        match part.content {
            Some(Content::Event(event)) => events.extend(recorded(&event)?),
            Some(Content::StreamNotFound(_)) => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(events))
}

/// The event that a part of an answer has.
pub(super) fn recorded(part: &[u8]) -> Result<Option<Recorded>, StoreError> {
    let unreadable = |_| StoreError::from(Refusal::Other("an event that it sends cannot be read".to_owned()));
    let part = ReadEvent::decode(part).map_err(unreadable)?;
    part.event.map(Recorded::try_from).transpose()
}

/// The refusal of a stream that shows the event `found` where `expected` should be.
pub(super) fn hidden(stream: &str, expected: Revision, found: Revision) -> Refusal {
    Refusal::EventsHidden { stream: stream.to_owned(), from: expected.0, to: found.0.saturating_sub(1) }
}
