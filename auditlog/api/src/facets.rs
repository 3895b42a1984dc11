//! What entries are filtered by.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use shared_infrastructure::event_store::Recorded;
use uuid::Uuid;

/// What a filter looks at of one event.
#[derive(Debug)]
pub(crate) struct Facets {
    pub(crate) event_type: String,
    pub(crate) created: Timestamp,
    /// Who asked, if its metadata says so.
    pub(crate) actor: Option<String>,
    /// Who asked, as far as that was checked.
    pub(crate) subject: Option<String>,
    /// The fields of its data that hold an identifier.
    things: Vec<(String, Uuid)>,
}

#[derive(Deserialize, Default)]
struct Origin {
    actor: Option<String>,
    subject: Option<String>,
}

impl Facets {
    pub(crate) fn of(event: &Recorded) -> Self {
        let Origin { actor, subject } = serde_json::from_slice(&event.custom_metadata).unwrap_or_default();
        let fields: Map<String, Value> = serde_json::from_slice(&event.data).unwrap_or_default();
        let things = fields.into_iter().filter_map(|(field, value)| Some((field, value.as_str()?.parse().ok()?)));
        Self { event_type: event.event_type.clone(), created: event.created, actor, subject, things: things.collect() }
    }

    /// What it is about: fields whose names say that they hold the identifier of something, such as `gateId`.
    pub(crate) fn named_things(&self) -> impl Iterator<Item = (&str, Uuid)> {
        // Other programs may have stored anything under any name.
        let is_name = |field: &str| field.ends_with("Id") && field.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.things.iter().filter(move |(field, _)| is_name(field)).map(|(field, thing)| (field.as_str(), *thing))
    }

    /// The identifier in a field of its data.
    pub(crate) fn thing(&self, field: &str) -> Option<Uuid> {
        self.things.iter().find(|(name, _)| name == field).map(|(_, thing)| *thing)
    }
}
