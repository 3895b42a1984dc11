use flight_contract::FlightId;
use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use shared_kernel::Revision;

use crate::{Flight, FlightCreated, FlightEvent, FlightStatus};

/// Every flight, and of those that were deleted or forgotten only how they ended. A clone shares everything with its
/// original.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FlightState {
    flights: OrdMap<FlightId, Arc<Flight>>,
    ended: OrdMap<FlightId, Ended>,
}

/// What is left of a flight that was deleted or forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Ended {
    /// It has landed, with this version.
    Arrived(Revision),
    Deleted,
}

/// How a flight stands, as far as that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing<'state> {
    pub(crate) id: FlightId,
    pub(crate) status: FlightStatus,
    pub(crate) version: Revision,
    /// All of it, unless it was forgotten.
    pub(crate) flight: Option<&'state Flight>,
}

impl FlightState {
    /// A flight, unless it is unknown, was deleted, or has landed long ago and was forgotten.
    #[must_use]
    pub fn flight(&self, id: &FlightId) -> Option<&Arc<Flight>> {
        self.flights.get(id)
    }

    /// How far a flight has come, unless it is unknown or was deleted.
    #[must_use]
    pub fn status(&self, id: &FlightId) -> Option<FlightStatus> {
        self.standing(id).map(|standing| standing.status)
    }

    /// The same, with what else rules need of it.
    pub(crate) fn standing(&self, id: &FlightId) -> Option<Standing<'_>> {
        if let Some(flight) = self.flights.get(id) {
            return Some(Standing { id: *id, status: flight.status, version: flight.version, flight: Some(flight) });
        }
        match *self.ended.get(id)? {
            Ended::Arrived(version) => Some(Standing { id: *id, status: FlightStatus::Arrived, version, flight: None }),
            Ended::Deleted => None,
        }
    }

    /// Whether there is or was a flight with this identifier.
    pub(crate) fn is_taken(&self, id: &FlightId) -> bool {
        self.flights.contains_key(id) || self.ended.contains_key(id)
    }

    /// Whether it has landed. One that was deleted leaves nothing to forget.
    pub(crate) fn has_ended(&self, id: &FlightId) -> bool {
        self.flights.get(id).is_some_and(|flight| flight.status == FlightStatus::Arrived)
    }

    pub(crate) fn forget(&mut self, id: &FlightId) {
        if self.has_ended(id)
            && let Some(flight) = self.flights.remove(id)
        {
            self.ended.insert(*id, Ended::Arrived(flight.version));
        }
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
                self.ended.insert(event.flight_id, Ended::Deleted);
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
        self.ended.remove(&created.flight_id);
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

/// Whether this is an event that the rules allow in this state: for checking what a stream says, long after it was
/// decided.
///
/// # Errors
/// What is wrong, in words for an operator.
pub fn is_legal(state: &FlightState, event: &FlightEvent) -> Result<(), &'static str> {
    let flight = state.flight(&event.flight_id()).map(|flight| &**flight);
    match event {
        FlightEvent::Created(_) if flight.is_some() => Err("it exists already"),
        FlightEvent::Created(_) => Ok(()),
        FlightEvent::DetailsCorrected(_) => at_gate(flight).map(drop),
        FlightEvent::AllBoarded(event) if is_complete_at(at_gate(flight)?, event.manifest_revision) => Ok(()),
        FlightEvent::BoardingReopened(event) if is_news(at_gate(flight)?, event.manifest_revision) => Ok(()),
        FlightEvent::AllBoarded(_) | FlightEvent::BoardingReopened(_) => {
            Err("it has newer news of its manifest already")
        }
        FlightEvent::Departed(_) => at_gate(flight).map(drop),
        FlightEvent::Landed(_) if existing(flight)?.status != FlightStatus::Departed => Err("it is not in the air"),
        FlightEvent::Landed(_) => Ok(()),
        FlightEvent::Deleted(_) if existing(flight)?.status == FlightStatus::Departed => Err("it is in the air"),
        FlightEvent::Deleted(_) => Ok(()),
    }
}

fn existing(flight: Option<&Flight>) -> Result<&Flight, &'static str> {
    flight.ok_or("there is no such flight")
}

fn at_gate(flight: Option<&Flight>) -> Result<&Flight, &'static str> {
    let flight = existing(flight)?;
    if flight.status.is_at_gate() { Ok(flight) } else { Err("it has left the gate already") }
}

/// Whether this is newer than what the flight knows of its manifest.
pub(crate) fn is_news(flight: &Flight, manifest_revision: Revision) -> bool {
    flight.manifest_revision.is_none_or(|known| known < manifest_revision)
}

/// Whether the flight may hear that everybody had boarded there: it is news, or what it knows already. A prepared
/// departure says it once more.
pub(crate) fn is_complete_at(flight: &Flight, manifest_revision: Revision) -> bool {
    is_news(flight, manifest_revision)
        || flight.status == FlightStatus::AllBoarded && flight.manifest_revision == Some(manifest_revision)
}
