//! What the public API says about values: their JSON Schema.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Position, Revision, SearchText, Text};

/// A JSON Schema (draft 2020-12).
pub type Schema = Value;

/// A value that the public API takes or gives, and what is said about it there.
pub trait Described {
    /// What it looks like as JSON. An object that has a `title` is known by it.
    fn schema() -> Schema;
}

/// Declares what the public API says about a type that is sent as an object: its name there, and its fields, each with
/// an example.
///
/// ```
/// use shared_kernel::{Described, Text};
///
/// struct Gate;
///
/// shared_kernel::described! {
///     Gate as "Gate", "Where a plane can dock" {
///         "name": Text<4> = "B 12",
///         "closedBecause": Option<Text<100>> = "ice",
///     }
/// }
///
/// assert_eq!(Gate::schema()["properties"]["name"]["maxLength"], 4);
/// assert_eq!(Gate::schema()["properties"]["closedBecause"]["type"][1], "null");
/// ```
#[macro_export]
macro_rules! described {
    ($Type:ty as $title:literal, $description:literal { $($name:literal: $Field:ty = $example:tt,)+ }) => {
        impl $crate::Described for $Type {
            fn schema() -> $crate::Schema {
                $crate::object_schema($title, $description, [
                    $(($name, <$Field as $crate::Described>::schema(), $crate::example!($example)),)+
                ])
            }
        }
    };
}

/// An example of a value.
#[doc(hidden)]
#[macro_export]
macro_rules! example {
    (_) => {
        None
    };
    ($example:tt) => {
        Some($crate::Schema::from($example))
    };
}

/// An object with exactly these fields: their names, what is said about them, examples.
#[must_use]
pub fn object_schema<const N: usize>(
    title: &str,
    description: &str,
    fields: [(&str, Schema, Option<Value>); N],
) -> Schema {
    let names: Vec<&str> = fields.iter().map(|(name, ..)| *name).collect();
    let properties = fields.into_iter().map(|(name, mut schema, example)| {
        if let Some(example) = example {
            schema["examples"] = json!([example]);
        }
        (name.to_owned(), schema)
    });
    json!({
        "title": title,
        "description": description,
        "type": "object",
        "properties": properties.collect::<serde_json::Map<_, _>>(),
        "required": names,
        "additionalProperties": false,
    })
}

/// One of these names.
#[must_use]
pub fn names_schema(names: &[&str]) -> Schema {
    json!({"type": "string", "enum": names})
}

impl<const MAX: usize> Described for Text<MAX> {
    fn schema() -> Schema {
        // What characters it may have is beyond what a pattern can say.
        json!({"type": "string", "minLength": 1, "maxLength": MAX, "format": "free-text"})
    }
}

impl Described for SearchText {
    fn schema() -> Schema {
        Text::<{ Self::MAX }>::schema()
    }
}

impl Described for String {
    fn schema() -> Schema {
        json!({"type": "string"})
    }
}

impl Described for bool {
    fn schema() -> Schema {
        json!({"type": "boolean"})
    }
}

impl Described for u64 {
    fn schema() -> Schema {
        json!({"type": "integer", "minimum": 0})
    }
}

impl Described for usize {
    fn schema() -> Schema {
        u64::schema()
    }
}

impl Described for Revision {
    fn schema() -> Schema {
        u64::schema()
    }
}

impl Described for Position {
    fn schema() -> Schema {
        json!({"type": "string", "format": "position"})
    }
}

impl Described for Uuid {
    fn schema() -> Schema {
        json!({"type": "string", "format": "uuid", "minLength": 36, "maxLength": 36})
    }
}

impl Described for Timestamp {
    fn schema() -> Schema {
        // Those that are taken, and whatever was recorded.
        json!({"type": "string", "format": "date-time", "pattern": "^(19[7-9]|2[01][0-9])[0-9]-"})
    }
}

/// A time, and the offset that it is given with: to the microsecond.
impl Described for (Timestamp, Offset) {
    fn schema() -> Schema {
        const PATTERN: &str = concat!(
            "^(19[7-9]|2[01][0-9])[0-9]-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6}0*)?",
            "([Zz]|[+-][0-9]{2}:[0-9]{2})$"
        );
        json!({"type": "string", "format": "date-time", "pattern": PATTERN})
    }
}

/// Anything.
impl Described for Value {
    fn schema() -> Schema {
        json!({})
    }
}

impl<T: Described> Described for Vec<T> {
    fn schema() -> Schema {
        json!({"type": "array", "items": T::schema()})
    }
}

/// The same, or null.
impl<T: Described> Described for Option<T> {
    fn schema() -> Schema {
        let mut schema = T::schema();
        match schema["type"].as_str().map(str::to_owned) {
            Some(kind) if schema["enum"].is_null() => schema["type"] = json!([kind, "null"]),
            _ => schema = json!({"anyOf": [schema, {"type": "null"}]}),
        }
        schema
    }
}
