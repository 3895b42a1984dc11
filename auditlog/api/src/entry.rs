//! Entries: recorded events as clients see them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use shared_kernel::{Position, Revision};
use uuid::Uuid;

use crate::stream::LogEvent;

/// One event of the audit log. Its data and metadata are what is stored, digit for digit.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogEntry {
    stream: &'static str,
    event_number: Revision,
    event_id: Uuid,
    event_type: String,
    created: Timestamp,
    data: Box<RawValue>,
    metadata: Box<RawValue>,
    /// A query that covers it covers this event.
    position: Position,
}

impl From<LogEvent> for LogEntry {
    fn from(event: LogEvent) -> Self {
        let position = event.position();
        let recorded = event.recorded;
        Self {
            data: json(&recorded.data),
            metadata: json(&recorded.custom_metadata),
            position,
            stream: event.stream.name,
            event_number: recorded.revision,
            event_id: recorded.event_id,
            event_type: recorded.event_type,
            created: recorded.created,
        }
    }
}

/// JSON as it is, in one line; other text as a JSON string; `null` for nothing, and for what is not text.
pub(crate) fn json(stored: &[u8]) -> Box<RawValue> {
    let raw = match serde_json::from_slice::<&RawValue>(stored) {
        Ok(raw) => in_one_line(raw),
        Err(_) => {
            std::str::from_utf8(stored).ok().filter(|text| !text.is_empty()).and_then(|text| to_raw_value(text).ok())
        }
    };
    raw.unwrap_or_else(|| RawValue::NULL.to_owned())
}

/// Line breaks in JSON are never part of a value: strings hold them escaped.
fn in_one_line(raw: &RawValue) -> Option<Box<RawValue>> {
    const LINE_BREAKS: [char; 2] = ['\n', '\r'];
    if raw.get().contains(LINE_BREAKS) {
        RawValue::from_string(raw.get().replace(LINE_BREAKS, " ")).ok()
    } else {
        Some(raw.to_owned())
    }
}

#[cfg(test)]
mod tests;
