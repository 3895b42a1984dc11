//! Which events of the audit log are wanted.

use serde::Deserialize;
use shared_infrastructure::event_store::Recorded;
use shared_kernel::{FlightId, PassengerId, Text};
use shared_service::{Params, parse};

/// Only events that meet all conditions that are given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    flight: Option<FlightId>,
    passenger: Option<PassengerId>,
    event_type: Option<Text<100>>,
}

/// What an event is about: every event of both domains says so in these fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subject {
    flight_id: Option<FlightId>,
    passenger_id: Option<PassengerId>,
}

impl Filter {
    pub(crate) fn read(params: &mut Params) -> Self {
        Self {
            flight: params.optional("flightId", parse::id),
            passenger: params.optional("passengerId", parse::id),
            event_type: params.optional("eventType", Text::new),
        }
    }

    /// Whether every event is wanted.
    pub(crate) const fn is_open(&self) -> bool {
        self.flight.is_none() && self.passenger.is_none() && self.event_type.is_none()
    }

    pub(crate) fn matches(&self, event: &Recorded) -> bool {
        let type_matches = self.event_type.as_ref().is_none_or(|wanted| wanted.as_str() == event.event_type);
        type_matches && self.matches_subject(&event.data)
    }

    fn matches_subject(&self, data: &[u8]) -> bool {
        if self.flight.is_none() && self.passenger.is_none() {
            return true;
        }
        serde_json::from_slice::<Subject>(data).is_ok_and(|subject| {
            self.flight.is_none_or(|wanted| subject.flight_id == Some(wanted))
                && self.passenger.is_none_or(|wanted| subject.passenger_id == Some(wanted))
        })
    }
}
