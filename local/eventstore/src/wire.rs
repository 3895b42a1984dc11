//! Conversions between wire types and the log's own.

use std::collections::HashMap;
use std::sync::Arc;

use shared_eventstore_protocol::client::uuid::Value;
use shared_eventstore_protocol::client::{StreamIdentifier, Uuid as ProtoUuid};
use uuid::Uuid;

use crate::log::NewEvent;
use crate::proto::client::AllStreamPosition;
use crate::proto::streams::{Position, ProposedMessage};
use crate::status::RequestError;

pub(crate) const JSON: &str = "application/json";
pub(crate) const OCTET_STREAM: &str = "application/octet-stream";

/// How a client wants event ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdForm {
    Structured,
    Text,
}

/// An event's identifier in the form that the client wants.
pub(crate) fn proto_id(id: Uuid, form: IdForm) -> ProtoUuid {
    match form {
        IdForm::Text => ProtoUuid { value: Some(Value::String(id.to_string())) },
        IdForm::Structured => ProtoUuid::structured(id),
    }
}

/// The name in a stream identifier.
pub(crate) fn stream_name(identifier: Option<&StreamIdentifier>) -> Result<Arc<str>, RequestError> {
    let bytes = identifier.map_or(&[][..], |identifier| &identifier.stream_name);
    match std::str::from_utf8(bytes) {
        Ok("") => Err(RequestError::Unreadable("the stream name is missing")),
        Ok(name) => Ok(Arc::from(name)),
        Err(_) => Err(RequestError::Unreadable("the stream name is not UTF-8")),
    }
}

impl From<u64> for Position {
    fn from(position: u64) -> Self {
        Self { commit_position: position, prepare_position: position }
    }
}

impl From<u64> for AllStreamPosition {
    fn from(position: u64) -> Self {
        Self { commit_position: position, prepare_position: position }
    }
}

/// A revision or position, unless it is too great to be one. `u64::MAX`, which has meanings of its own, passes.
pub(crate) fn number(number: u64) -> Result<u64, RequestError> {
    match number {
        u64::MAX => Ok(number),
        number if i64::try_from(number).is_ok() => Ok(number),
        _ => Err(RequestError::Unreadable("the number is out of range")),
    }
}

/// The size of a proposed event as it counts towards the limit on an append, in bytes.
pub(crate) fn proposed_size(message: &ProposedMessage) -> usize {
    let type_length = message.metadata.get("type").map_or(0, String::len);
    message.data.len() + message.custom_metadata.len() + 2 * type_length
}

/// Checks a proposed event. All metadata but its type and content type is dropped.
pub(crate) fn new_event(message: ProposedMessage) -> Result<NewEvent, RequestError> {
    let ProposedMessage { id, metadata, custom_metadata, data } = message;
    let mut metadata: HashMap<String, String> = metadata;
    let event_type = metadata.remove("type").ok_or(RequestError::MissingMetadata("type"))?;
    let content_type = metadata.get("content-type").ok_or(RequestError::MissingMetadata("content-type"))?;
    let id = id.and_then(|id| id.to_id()).unwrap_or_default();
    if id.is_nil() {
        return Err(RequestError::Unreadable("the event id is missing or empty"));
    }
    if event_type.is_empty() {
        return Err(RequestError::Unreadable("the event type is empty"));
    }
    Ok(NewEvent { id, event_type, is_json: content_type == JSON, data, metadata: custom_metadata })
}
