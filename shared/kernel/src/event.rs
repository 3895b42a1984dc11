mod declare;

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A fact of a domain, as it is stored: an event type in the past tense, a schema version, and camelCase JSON data.
pub trait DomainEvent: Clone + Send + Sync + Sized + 'static {
    /// Every event type that was ever stored, with each schema version that it was stored in.
    const VERSIONS: &'static [(&'static str, u32)];

    /// The field of the data that names what an event is about, in every version of every type, so that it is found
    /// even where the rest cannot be read.
    const KEY_FIELD: &'static str;

    /// What it is about: what happens to the same key is processed in order.
    fn key(&self) -> Uuid;

    /// The stored event type, such as `GateNamed`.
    fn event_type(&self) -> &'static str;

    /// The version of the data's schema that [`DomainEvent::encode`] writes for this event type, counted from 1.
    fn schema_version(&self) -> u32 {
        1
    }

    /// The stored data.
    ///
    /// # Errors
    /// Only if a value has no JSON form.
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error>;

    /// Reads a stored event, of the current or any earlier schema version.
    ///
    /// # Errors
    /// [`UndecodableEvent`] says what is unknown or malformed, without quoting the data.
    fn decode(event_type: &str, schema_version: u32, data: &[u8]) -> Result<Self, UndecodableEvent>;
}

/// Why a stored event could not be read. Never quotes the data, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UndecodableEvent {
    /// No such event type is known to this version of the software.
    #[error("unknown event type {0:?}")]
    UnknownType(String),
    /// The event type is known, its schema version is not.
    #[error("event type {event_type:?} has schema version {version}, which this software does not know")]
    UnknownVersion {
        /// The stored event type.
        event_type: String,
        /// The stored schema version.
        version: u32,
    },
    /// The data is not what the event type and version say.
    #[error("data of event type {event_type:?} is malformed at line {line}, column {column}")]
    Malformed {
        /// The stored event type.
        event_type: String,
        /// Line of the fault in the data, counted from 1.
        line: usize,
        /// Column of the fault in the data, counted from 1.
        column: usize,
    },
}

/// Reads event data from JSON, turning a fault into an [`UndecodableEvent`] that does not quote the data.
///
/// # Errors
/// [`UndecodableEvent::Malformed`] if the data does not fit `T`.
pub fn decode_json<T: DeserializeOwned>(event_type: &str, data: &[u8]) -> Result<T, UndecodableEvent> {
    serde_json::from_slice(data).map_err(|error| UndecodableEvent::Malformed {
        event_type: event_type.to_owned(),
        line: error.line(),
        column: error.column(),
    })
}

/// An event's number in its stream, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The number of the event that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
