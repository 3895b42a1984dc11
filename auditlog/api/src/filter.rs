//! Which events of the audit log are wanted.

use serde_json::{Map, Value};
use shared_infrastructure::event_store::Recorded;
use shared_kernel::{Domain, Text};
use shared_service::{Params, parse};
use uuid::Uuid;

/// Only events that meet all conditions that are given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// The things that they are about: fields of their data, and the values that these must have.
    things: Vec<(&'static str, Uuid)>,
    event_type: Option<Text<100>>,
}

impl Filter {
    /// Reads the parameters of a query: the identifiers of the things of each domain, such as `flightId`, and
    /// `eventType`.
    pub(crate) fn read(domains: &[&'static Domain], params: &mut Params) -> Self {
        let fields = domains.iter().map(|domain| domain.id_field);
        Self {
            things: fields.filter_map(|field| Some((field, params.optional(field, parse::id)?))).collect(),
            event_type: params.optional("eventType", Text::new),
        }
    }

    /// Whether every event is wanted.
    pub(crate) const fn is_open(&self) -> bool {
        self.things.is_empty() && self.event_type.is_none()
    }

    pub(crate) fn matches(&self, event: &Recorded) -> bool {
        let type_matches = self.event_type.as_ref().is_none_or(|wanted| wanted.as_str() == event.event_type);
        type_matches && self.matches_things(&event.data)
    }

    fn matches_things(&self, data: &[u8]) -> bool {
        if self.things.is_empty() {
            return true;
        }
        serde_json::from_slice::<Map<String, Value>>(data).is_ok_and(|fields| {
            let has = |field: &str, wanted: Uuid| {
                let value = fields.get(field).and_then(Value::as_str);
                value.and_then(|value| value.parse().ok()) == Some(wanted)
            };
            self.things.iter().all(|(field, wanted)| has(field, *wanted))
        })
    }
}
