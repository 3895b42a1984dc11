use flight_contract::FlightId;
use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use shared_kernel::Revision;

use crate::{Flight, FlightCreated, FlightEvent, FlightStatus};

/// Every flight that has not been deleted. A clone shares everything with its original.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlightState {
    flights: OrdMap<FlightId, Arc<Flight>>,
}

impl FlightState {
    /// A flight, unless it is unknown or was deleted.
    #[must_use]
    pub fn flight(&self, id: &FlightId) -> Option<&Arc<Flight>> {
        self.flights.get(id)
    }

    /// Every flight, by identifier.
    pub fn flights(&self) -> impl Iterator<Item = &Arc<Flight>> {
        self.flights.values()
    }

    pub(crate) fn apply(&mut self, event: &FlightEvent, revision: Revision) {
        match event {
            FlightEvent::Created(event) => self.add(event, revision),
            FlightEvent::DetailsCorrected(event) => {
                self.change(&event.flight_id, revision, |flight| flight.details = event.details.clone().into());
            }
            FlightEvent::AllBoarded(event) => self.change(&event.flight_id, revision, |flight| {
                flight.status = FlightStatus::AllBoarded;
                flight.manifest_revision = Some(event.manifest_revision);
            }),
            FlightEvent::BoardingReopened(event) => self.change(&event.flight_id, revision, |flight| {
                flight.status = FlightStatus::WaitingForBoarding;
                flight.manifest_revision = Some(event.manifest_revision);
            }),
            FlightEvent::Departed(event) => {
                self.change(&event.flight_id, revision, |flight| flight.status = FlightStatus::Departed);
            }
            FlightEvent::Landed(event) => {
                self.change(&event.flight_id, revision, |flight| flight.status = FlightStatus::Arrived);
            }
            FlightEvent::Deleted(event) => {
                self.flights.remove(&event.flight_id);
            }
        }
    }

    fn add(&mut self, created: &FlightCreated, revision: Revision) {
        let flight = Flight {
            id: created.flight_id,
            details: created.details.clone().into(),
            status: FlightStatus::WaitingForBoarding,
            version: revision,
            manifest_revision: None,
        };
        self.flights.insert(created.flight_id, Arc::new(flight));
    }

    /// Changes a flight because of the event with this revision. An event about an unknown flight changes nothing.
    fn change(&mut self, id: &FlightId, revision: Revision, change: impl FnOnce(&mut Flight)) {
        if let Some(flight) = self.flights.get_mut(id) {
            let flight = Arc::make_mut(flight);
            change(flight);
            flight.version = revision;
        }
    }
}
