use eventstore::{ReadStreamOptions, StreamPosition};
use shared_kernel::Revision;
use tokio::time::timeout;

use super::{EventStore, OPERATION_LIMIT, Recorded, StoreError};

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

    /// Reads a stream backwards from `from` (inclusive), or from its end if there is no such event, at most `limit` events. A
    /// stream that does not exist has none.
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

    /// The number of a stream's newest event; `None` for a stream without events.
    ///
    /// # Errors
    /// As [`EventStore::read_forwards`].
    pub async fn last_revision(&self, stream: &str) -> Result<Option<Revision>, StoreError> {
        Ok(self.last_event(stream).await?.map(|event| event.revision))
    }

    async fn read(&self, stream: &str, options: &ReadStreamOptions) -> Result<Vec<Recorded>, StoreError> {
        let silent = |_| StoreError::timeout("a read");
        let client = self.client();
        let mut events = Vec::new();
        let mut reading = timeout(OPERATION_LIMIT, client.read_stream(stream, options)).await.map_err(silent)??;
        loop {
            match timeout(OPERATION_LIMIT, reading.next()).await.map_err(silent)? {
                Ok(Some(resolved)) => events.extend(resolved.event.map(Recorded::from)),
                Ok(None) | Err(eventstore::Error::ResourceNotFound) => return Ok(events),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
