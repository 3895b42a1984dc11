//! Entries: recorded events as clients see them.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use shared_kernel::{Position, Revision};
use uuid::Uuid;

use crate::stream::LogEvent;

/// One event of the audit log. Its data and metadata are what is stored, digit for digit, without what only the services
/// need.
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
            metadata: metadata(&recorded.custom_metadata),
            position,
            stream: event.stream.name,
            event_number: recorded.revision,
            event_id: recorded.event_id,
            event_type: recorded.event_type,
            created: recorded.created,
        }
    }
}

/// What is left out of metadata: keys are a client's own, and fingerprints let others guess what it has sent.
const LEFT_OUT: [&str; 3] = ["idempotencyKey", "requestFingerprint", "stepOf"];

/// Metadata as it is shown: as [`json`], without [`LEFT_OUT`].
pub(crate) fn metadata(stored: &[u8]) -> Box<RawValue> {
    let shown = json(stored);
    if !LEFT_OUT.iter().any(|field| shown.get().contains(field)) {
        return shown;
    }
    match serde_json::from_str::<Fields>(shown.get()) {
        Ok(Fields(mut fields)) => {
            fields.retain(|(name, _)| !LEFT_OUT.contains(&name.as_ref()));
            to_raw_value(&Fields(fields)).unwrap_or_else(|_| RawValue::NULL.to_owned())
        }
        // It is no object.
        Err(_) => shown,
    }
}

/// The fields of an object, in their order.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
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
