use bytes::Bytes;
use jiff::Timestamp;
use shared_eventstore_protocol::client::Uuid as ProtoUuid;
use shared_eventstore_protocol::streams::RecordedEvent;
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
        let stream = event.stream_identifier.map(|name| String::from_utf8_lossy(&name.stream_name).into_owned());
        let stream = stream.unwrap_or_default();
        let text = |name| event.metadata.get(name).map(String::as_str);
        let Some(created) = text("created").and_then(created) else {
            let reason = format!("it does not say when event {} of {stream} was recorded", event.stream_revision);
            return Err(Refusal::Other(reason).into());
        };
        let Some(event_id) = event.id.as_ref().and_then(ProtoUuid::to_id) else {
            let reason = format!("it does not say the identifier of event {} of {stream}", event.stream_revision);
            return Err(Refusal::Other(reason).into());
        };
        Ok(Self {
            revision: Revision(event.stream_revision),
            position: AllPosition { commit: event.commit_position, prepare: event.prepare_position },
            event_id,
            created,
            stream,
            event_type: text("type").unwrap_or_default().to_owned(),
            data: event.data,
            custom_metadata: event.custom_metadata,
        })
    }
}

/// The wire carries 100-nanosecond ticks since the Unix epoch.
fn created(ticks: &str) -> Option<Timestamp> {
    let ticks: i128 = ticks.parse().ok()?;
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
