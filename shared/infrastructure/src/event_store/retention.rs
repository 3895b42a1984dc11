//! How long the event store keeps the events of a stream: a part of the stream's metadata.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{AppendFailure, EventMetadata, EventStore, ProposedAppend, ProposedEvent, Refusal, StoreError};
use crate::limits;

const METADATA_TYPE: &str = "$metadata";
/// Seconds after which the event store does not show an event any more, and a scavenge removes it.
const MAX_AGE: &str = "$maxAge";
/// How often the metadata is read anew because somebody else has written it meanwhile.
const ATTEMPTS: usize = 3;

impl EventStore {
    /// Has the events of a stream kept for this long. `metadata_stream` holds the stream's metadata: its name after two
    /// dollar signs. What else the metadata says stays; if it says the same already, nothing is written.
    ///
    /// # Errors
    /// [`AppendFailure`] if it cannot be read or written.
    pub async fn keep_events_for(
        &self,
        metadata_stream: &'static str,
        age: Duration,
        written_by: &EventMetadata,
    ) -> Result<(), AppendFailure> {
        let mut appender = self.appender(metadata_stream);
        let mut failure = AppendFailure::WrongExpectedRevision { current: None };
        for _ in 0..ATTEMPTS {
            let newest = self.last_event(metadata_stream).await?;
            let Some(data) = with_max_age(newest.as_ref().map(|event| &event.data), age)? else { return Ok(()) };
            let event =
                ProposedEvent { id: Uuid::now_v7(), event_type: METADATA_TYPE, data, metadata: written_by.clone() };
            let append = ProposedAppend { expected: newest.map(|event| event.revision), events: vec![event] };
            match appender.append_all(vec![append], limits::APPEND).await {
                Ok(()) => return Ok(()),
                Err(error) => failure = error.failure,
            }
            if !matches!(failure, AppendFailure::WrongExpectedRevision { .. }) {
                break;
            }
        }
        Err(failure)
    }
}

/// The metadata with this age; `None` if it says so already.
fn with_max_age(metadata: Option<&Bytes>, age: Duration) -> Result<Option<Bytes>, StoreError> {
    let mut fields: Map<String, Value> = match metadata {
        Some(stored) => serde_json::from_slice(stored)
            .map_err(|_| Refusal::Other("the metadata of the stream is no JSON object".to_owned()))?,
        None => Map::new(),
    };
    let seconds = Value::from(age.as_secs());
    if fields.get(MAX_AGE) == Some(&seconds) {
        return Ok(None);
    }
    fields.insert(MAX_AGE.to_owned(), seconds);
    // Strings, numbers and values that were JSON have a JSON form.
    Ok(serde_json::to_vec(&fields).ok().map(Bytes::from))
}
