//! Stream metadata: what `$$stream` says about `stream`.

use serde_json::{Map, Value};

/// The revision of the event that ends a stream for good, and the `$tb` of a soft-deleted stream.
pub(crate) const TOMBSTONE_REVISION: u64 = i64::MAX as u64;

/// The type of metadata events.
pub(crate) const METADATA_TYPE: &str = "$metadata";

const TRUNCATE_BEFORE: &str = "$tb";

/// The stream that a metadata stream describes, or `None` if `stream` is not a metadata stream.
pub(crate) fn base_of(stream: &str) -> Option<&str> {
    stream.strip_prefix("$$")
}

/// The metadata stream of `stream`.
pub(crate) fn metastream_of(stream: &str) -> String {
    format!("$${stream}")
}

/// The part of a stream's metadata that decides which events are visible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) max_count: Option<u64>,
    pub(crate) max_age_seconds: Option<u64>,
    pub(crate) truncate_before: Option<u64>,
}

impl Retention {
    /// Reads the newest metadata event. What is not readable counts as no metadata.
    pub(crate) fn parse(is_json: bool, data: &[u8]) -> Self {
        if !is_json {
            return Self::default();
        }
        Self::from_json(data).unwrap_or_default()
    }

    fn from_json(data: &[u8]) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_slice(data).ok()?;
        Some(Self {
            max_count: positive(&object, "$maxCount")?,
            max_age_seconds: positive(&object, "$maxAge")?,
            truncate_before: positive(&object, TRUNCATE_BEFORE)?,
        })
    }

    pub(crate) fn soft_deleted(self) -> bool {
        self.truncate_before == Some(TOMBSTONE_REVISION)
    }
}

/// A number under `key`: `Some(None)` if there is none or it is not positive, `None` if it is something else.
fn positive(object: &Map<String, Value>, key: &str) -> Option<Option<u64>> {
    match object.get(key) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_i64().map(|number| u64::try_from(number).ok().filter(|n| *n > 0)),
    }
}

/// The metadata that soft-deletes a stream.
pub(crate) fn soft_delete_json() -> Vec<u8> {
    format!(r#"{{"{TRUNCATE_BEFORE}":{TOMBSTONE_REVISION}}}"#).into_bytes()
}

/// The same metadata with `$tb` set to `first`, or `None` if it is not a JSON object.
pub(crate) fn with_truncate_before(data: &[u8], first: u64) -> Option<Vec<u8>> {
    let mut object: Map<String, Value> = serde_json::from_slice(data).ok()?;
    object.insert(TRUNCATE_BEFORE.to_owned(), first.into());
    serde_json::to_vec(&object).ok()
}
