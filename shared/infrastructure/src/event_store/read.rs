use std::time::Duration;

use eventstore::{ReadStreamOptions, StreamPosition};
use shared_kernel::Revision;
use tokio::time::timeout;

use super::library::LibraryClient;
use super::{EventStore, Recorded, Refusal, Right, StoreError};
use crate::limits;

impl EventStore {
    /// Reads a stream forwards from `from` (inclusive), at most `limit` events. A stream that does not exist has none.
    ///
    /// # Errors
    /// [`StoreError`] if the event store cannot be reached, or is silent for longer than an operation may take.
    pub async fn read_forwards(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        let options =
            ReadStreamOptions::default().forwards().position(StreamPosition::Position(from.0)).max_count(limit);
        self.read(stream, &options).await
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
        let options =
            ReadStreamOptions::default().backwards().position(StreamPosition::Position(from.0)).max_count(limit);
        self.read(stream, &options).await
    }

    /// A stream's newest event; `None` for a stream without events.
    ///
    /// # Errors
    /// As [`EventStore::read_forwards`].
    pub async fn last_event(&self, stream: &str) -> Result<Option<Recorded>, StoreError> {
        let options = ReadStreamOptions::default().backwards().position(StreamPosition::End).max_count(1);
        Ok(self.read(stream, &options).await?.pop())
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
    async fn read(&self, stream: &str, options: &ReadStreamOptions) -> Result<Vec<Recorded>, StoreError> {
        match self.read_once(stream, options, limits::STORE_FIRST_ATTEMPT).await {
            Err(StoreError::Unavailable(_)) => {}
            outcome => return outcome,
        }
        match self.read_once(stream, options, limits::STORE_OPERATION - limits::STORE_FIRST_ATTEMPT).await {
            Err(error) => Err(self.connections.explained(error).await),
            outcome => outcome,
        }
    }

    /// Reads; gives up the client if it gets no answer.
    async fn read_once(
        &self,
        stream: &str,
        options: &ReadStreamOptions,
        limit: Duration,
    ) -> Result<Vec<Recorded>, StoreError> {
        let client = self.client.get()?;
        let outcome = read_with(&client, stream, options, limit).await;
        if matches!(outcome, Err(StoreError::Unavailable(_))) {
            self.client.give_up(&client);
        }
        outcome
    }
}

/// Reads; `limit` is for the time until the first part of the answer, and from each part to the next.
async fn read_with(
    client: &LibraryClient,
    stream: &str,
    options: &ReadStreamOptions,
    limit: Duration,
) -> Result<Vec<Recorded>, StoreError> {
    let silent = |_| StoreError::timeout("a read", limit);
    let failed = |error| StoreError::of_library(error, Right::Read(stream.to_owned()));
    let mut events = Vec::new();
    let mut reading = timeout(limit, client.read_stream(stream, options)).await.map_err(silent)?.map_err(failed)?;
    loop {
        match timeout(limit, reading.next()).await.map_err(silent)? {
            Ok(Some(resolved)) => events.extend(resolved.event.map(Recorded::try_from).transpose()?),
            Ok(None) | Err(eventstore::Error::ResourceNotFound) => return Ok(events),
            Err(error) => return Err(failed(error)),
        }
    }
}

/// The refusal of a stream that shows the event `found` where `expected` should be.
pub(super) fn hidden(stream: &str, expected: Revision, found: Revision) -> Refusal {
    Refusal::EventsHidden { stream: stream.to_owned(), from: expected.0, to: found.0.saturating_sub(1) }
}
