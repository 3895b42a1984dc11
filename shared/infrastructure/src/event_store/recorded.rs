use bytes::Bytes;
use eventstore::RecordedEvent;
use jiff::Timestamp;
use shared_kernel::{DomainEvent, Revision, UndecodableEvent};
use uuid::Uuid;

use super::metadata::{self, EventMetadata, UnreadableMetadata};

/// A place in the event store's one log of all streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct AllPosition {
    /// The commit position.
    pub commit: u64,
    /// The prepare position.
    pub prepare: u64,
}

/// An event as the event store holds it.
#[derive(Clone)]
pub struct Recorded {
    /// The stream.
    pub stream: String,
    /// Its number in the stream.
    pub revision: Revision,
    /// Its place among all events.
    pub position: AllPosition,
    /// Its identifier.
    pub event_id: Uuid,
    /// Its type.
    pub event_type: String,
    /// When the event store took it in.
    pub created: Timestamp,
    /// Its data, JSON for events of this system.
    pub data: Bytes,
    /// Its metadata, byte for byte.
    pub custom_metadata: Bytes,
}

impl Recorded {
    /// The metadata.
    ///
    /// # Errors
    /// [`UnreadableMetadata`] if it is not of this system's form.
    pub fn metadata(&self) -> Result<EventMetadata, UnreadableMetadata> {
        EventMetadata::read(&self.custom_metadata)
    }

    /// The schema version of the data, which may be known although the rest of the metadata cannot be read.
    pub(crate) fn schema_version(&self) -> Result<u32, UnreadableMetadata> {
        metadata::schema_version(&self.custom_metadata)
    }

    /// The domain event, of this schema version.
    ///
    /// # Errors
    /// [`UndecodableEvent`] if it is not one that this version of the software knows.
    pub fn decode<E: DomainEvent>(&self, schema_version: u32) -> Result<E, UndecodableEvent> {
        E::decode(&self.event_type, schema_version, &self.data)
    }
}

impl From<RecordedEvent> for Recorded {
    fn from(event: RecordedEvent) -> Self {
        Self {
            revision: Revision(event.revision),
            position: AllPosition { commit: event.position.commit, prepare: event.position.prepare },
            event_id: event.id,
            created: created(&event),
            stream: event.stream_id,
            event_type: event.event_type,
            data: event.data,
            custom_metadata: event.custom_metadata,
        }
    }
}

/// The wire carries 100-nanosecond ticks since the Unix epoch; the client library's own field is cut to whole seconds.
fn created(event: &RecordedEvent) -> Timestamp {
    event
        .metadata
        .get("created")
        .and_then(|ticks| ticks.parse::<i128>().ok())
        .and_then(|ticks| Timestamp::from_nanosecond(ticks.checked_mul(100)?).ok())
        .or_else(|| Timestamp::from_second(event.created.timestamp()).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Data and metadata may be personal and are left out.
impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}@{} ({})", self.event_type, self.revision, self.stream, self.event_id)
    }
}
