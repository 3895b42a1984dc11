use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON document, as far as requests need it: arrays and nested objects are recognised and dropped, so a body never
/// takes much more memory than its bytes.
pub(super) enum Document {
    Object { fields: BTreeMap<String, FieldValue>, repeated: Vec<String> },
    Other,
}

#[derive(Debug)]
pub(super) enum FieldValue {
    Null,
    Boolean,
    Number,
    String(String),
    Array,
    Object,
}

impl FieldValue {
    pub(super) const fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String(_) => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// If it is not JSON.
    pub(super) fn parse(text: &str) -> serde_json::Result<Self> {
        let is_object = text.trim_start().starts_with('{');
        if is_object { serde_json::from_str(text) } else { serde_json::from_str(text).map(|IgnoredAny| Self::Other) }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        /// More repetitions than this are not worth listing.
        const MAX_REPEATED: usize = 50;
        let mut fields = BTreeMap::new();
        let mut repeated = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = FieldValue::of(map.next_value::<&RawValue>()?)?;
            match fields.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(entry) if repeated.len() < MAX_REPEATED && !repeated.contains(entry.key()) => {
                    repeated.push(entry.key().clone());
                }
                Entry::Occupied(_) => {}
            }
        }
        Ok(Document::Object { fields, repeated })
    }
}

impl FieldValue {
    /// What a piece of JSON is. The value of a number does not matter, so that none is too large.
    fn of<E: Error>(json: &RawValue) -> Result<Self, E> {
        Ok(match json.get().as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Boolean,
            // All else that is wrong with a string has been found by now.
            Some(b'"') => {
                Self::String(serde_json::from_str(json.get()).map_err(|_| E::custom("a lone surrogate in a string"))?)
            }
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            _ => Self::Number,
        })
    }
}
