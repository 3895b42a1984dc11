use bytes::Bytes;
use eventstore::RecordedEvent;
use jiff::Timestamp;
use shared_kernel::{DomainEvent, Revision, UndecodableEvent};
use uuid::Uuid;

use super::metadata::{self, EventMetadata, UnreadableMetadata};
use super::{Refusal, StoreError};

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

impl TryFrom<RecordedEvent> for Recorded {
    type Error = StoreError;

    fn try_from(event: RecordedEvent) -> Result<Self, StoreError> {
        let Some(created) = created(&event) else {
            let reason = format!("it does not say when event {} of {} was recorded", event.revision, event.stream_id);
            return Err(Refusal::Other(reason).into());
        };
        Ok(Self {
            revision: Revision(event.revision),
            position: AllPosition { commit: event.position.commit, prepare: event.position.prepare },
            event_id: event.id,
            created,
            stream: event.stream_id,
            event_type: event.event_type,
            data: event.data,
            custom_metadata: event.custom_metadata,
        })
    }
}

/// The wire carries 100-nanosecond ticks since the Unix epoch. The client library's own field is cut to whole seconds,
/// and says 1970 where there are none.
fn created(event: &RecordedEvent) -> Option<Timestamp> {
    let ticks: i128 = event.metadata.get("created")?.parse().ok()?;
    Timestamp::from_nanosecond(ticks.checked_mul(100)?).ok()
}

/// Data and metadata may be personal and are left out.
impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}@{} ({})", self.event_type, self.revision, self.stream, self.event_id)
    }
}

#[cfg(test)]
mod tests;
