//! What the event store is told of its streams: how long it keeps their events, and who may do what with them. Both are
//! part of a stream's metadata, which are events of a stream of their own.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{AppendFailure, EventMetadata, EventStore, ProposedAppend, ProposedEvent, Refusal, StoreError};
use crate::limits;

const METADATA_TYPE: &str = "$metadata";
/// The stream whose newest event says what holds for streams of which nothing is said, and the type of that event.
const SETTINGS: &str = "$settings";
/// Seconds after which the event store does not show an event any more, and a scavenge removes it.
const MAX_AGE: &str = "$maxAge";
/// Who may do what.
const ACCESS: &str = "$acl";
/// The group whose members may do everything, whatever is said.
const ADMINISTRATORS: &str = "$admins";
/// How often something is read anew because somebody else has written it meanwhile.
const ATTEMPTS: usize = 3;

/// Who may do what with a stream, beside administrators. Nobody else may delete it or change what is said of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamRights {
    /// Users who may read its events.
    pub read: Vec<String>,
    /// Users who may append to it.
    pub append: Vec<String>,
    /// Users who may read what is said of it.
    pub read_metadata: Vec<String>,
}

impl StreamRights {
    fn to_json(&self) -> Value {
        let with_administrators = |users: &[String]| {
            let mut all = vec![ADMINISTRATORS.to_owned()];
            all.extend_from_slice(users);
            all
        };
        json!({
            "$r": with_administrators(&self.read),
            "$w": with_administrators(&self.append),
            "$d": [ADMINISTRATORS],
            "$mr": with_administrators(&self.read_metadata),
            "$mw": [ADMINISTRATORS],
        })
    }
}

impl EventStore {
    /// Has the events of a stream kept for this long. What else is said of it stays. Answers whether anything had to be
    /// written.
    ///
    /// # Errors
    /// [`AppendFailure`] if its metadata cannot be read or written.
    pub async fn keep_events_for(
        &self,
        stream: &str,
        age: Duration,
        written_by: &EventMetadata,
    ) -> Result<bool, AppendFailure> {
        let fields = [(MAX_AGE, age.as_secs().into())];
        self.say(format!("$${stream}"), METADATA_TYPE, &fields, written_by).await
    }

    /// Lets users do this with a stream, which may be `$all`, and nobody anything else. What else is said of it stays.
    /// Answers whether anything had to be written.
    ///
    /// # Errors
    /// [`AppendFailure`] if its metadata cannot be read or written.
    pub async fn allow(
        &self,
        stream: &str,
        rights: &StreamRights,
        written_by: &EventMetadata,
    ) -> Result<bool, AppendFailure> {
        self.say(format!("$${stream}"), METADATA_TYPE, &[(ACCESS, rights.to_json())], written_by).await
    }

    /// Lets nobody but administrators do anything with streams of which nothing is said. Answers whether anything had to
    /// be written.
    ///
    /// # Errors
    /// [`AppendFailure`] if it cannot be read or written.
    pub async fn allow_nothing_else(&self, written_by: &EventMetadata) -> Result<bool, AppendFailure> {
        let nothing = StreamRights::default().to_json();
        let fields = [("$userStreamAcl", nothing.clone()), ("$systemStreamAcl", nothing)];
        self.say(SETTINGS.to_owned(), SETTINGS, &fields, written_by).await
    }

    /// Appends an event with these fields, and the others of the newest event, unless that has them.
    async fn say(
        &self,
        stream: String,
        event_type: &'static str,
        fields: &[(&str, Value)],
        written_by: &EventMetadata,
    ) -> Result<bool, AppendFailure> {
        let mut appender = self.appender(stream.clone());
        let mut failure = AppendFailure::WrongExpectedRevision { current: None };
        for _ in 0..ATTEMPTS {
            let newest = self.last_event(&stream).await?;
            let Some(data) = with_fields(newest.as_ref().map(|event| &event.data), fields)? else { return Ok(false) };
            let event = ProposedEvent { id: Uuid::now_v7(), event_type, data, metadata: written_by.clone() };
            let append = ProposedAppend { expected: newest.map(|event| event.revision), events: vec![event] };
            match appender.append_all(vec![append], limits::APPEND).await {
                Ok(()) => return Ok(true),
                Err(error) => failure = error.failure,
            }
            if !matches!(failure, AppendFailure::WrongExpectedRevision { .. }) {
                break;
            }
        }
        Err(failure)
    }
}

/// What is stored, with these fields; `None` if it has them already.
fn with_fields(stored: Option<&Bytes>, fields: &[(&str, Value)]) -> Result<Option<Bytes>, StoreError> {
    let mut all: Map<String, Value> = match stored {
        Some(stored) => serde_json::from_slice(stored)
            .map_err(|_| Refusal::Other("the metadata of the stream is no JSON object".to_owned()))?,
        None => Map::new(),
    };
    if fields.iter().all(|(name, value)| all.get(*name) == Some(value)) {
        return Ok(None);
    }
    all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    // Strings, numbers and values that were JSON have a JSON form.
    Ok(serde_json::to_vec(&all).ok().map(Bytes::from))
}
