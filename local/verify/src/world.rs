//! What the streams come to, and whether it is as it has to be.

use std::collections::{BTreeMap, BTreeSet};

use flight_contract::FlightId;
use flight_core::{FlightEvent, FlightState, FlightStatus, Flights};
use imbl::OrdMap;
use passenger_contract::FlightEnding;
use passenger_core::{ManifestState, PassengerEvent, PassengerState, Passengers};
use shared_kernel::{Decider, DomainEvent, Revision};

use crate::violation::{Place, Violation};

/// Both domains, as of one position of the event store.
pub(crate) struct World {
    flights: Folded<FlightState>,
    passengers: Folded<Manifests>,
    deleted: BTreeSet<FlightId>,
    /// The newest news of each manifest.
    news: BTreeMap<FlightId, Revision>,
    unfinished: BTreeMap<(FlightId, Step), Place>,
}

/// A stream's state, and what it was where the read model has come to.
pub(crate) struct Folded<S> {
    state: S,
    next: Revision,
    checkpoint: Option<Revision>,
    at_checkpoint: Option<S>,
}

/// The state of the passenger domain, and the number of the last event about each manifest.
#[derive(Clone, Default)]
pub(crate) struct Manifests {
    pub(crate) state: PassengerState,
    pub(crate) versions: OrdMap<FlightId, Revision>,
}

/// What one domain has decided and the other has still to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    HearOfManifest,
    Depart,
    LetArrive,
    Remove,
}

/// Something that is legal only in passing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfinished {
    flight: FlightId,
    step: Step,
    since: Place,
}

impl<S: Clone + Default> Folded<S> {
    fn new(checkpoint: Option<Revision>) -> Self {
        let at_checkpoint = checkpoint.is_none().then(S::default);
        Self { state: S::default(), next: Revision(0), checkpoint, at_checkpoint }
    }

    fn fold(&mut self, revision: Revision, fold: impl FnOnce(&mut S)) {
        fold(&mut self.state);
        self.next = revision.next();
        if self.checkpoint == Some(revision) {
            self.at_checkpoint = Some(self.state.clone());
        }
    }

    /// What the read model has to hold; `None` if it is ahead of the stream.
    pub(crate) const fn at_checkpoint(&self) -> Option<&S> {
        self.at_checkpoint.as_ref()
    }
}

impl World {
    pub(crate) fn new(flight_checkpoint: Option<Revision>, passenger_checkpoint: Option<Revision>) -> Self {
        Self {
            flights: Folded::new(flight_checkpoint),
            passengers: Folded::new(passenger_checkpoint),
            deleted: BTreeSet::new(),
            news: BTreeMap::new(),
            unfinished: BTreeMap::new(),
        }
    }

    pub(crate) const fn flights(&self) -> &Folded<FlightState> {
        &self.flights
    }

    pub(crate) const fn passengers(&self) -> &Folded<Manifests> {
        &self.passengers
    }

    /// How many events each stream has.
    pub(crate) const fn events(&self) -> (u64, u64) {
        (self.flights.next.0, self.passengers.next.0)
    }

    pub(crate) fn flight_event(&mut self, place: Place, event: &FlightEvent, report: &mut impl FnMut(Violation)) {
        let flight = event.flight_id();
        let allowed = flight_core::is_legal(&self.flights.state, event);
        let wrong = allowed.err().map(str::to_owned).or_else(|| self.wrong_for_manifest(event));
        report_if(wrong, place, event.event_type(), flight, report);
        if let FlightEvent::Deleted(_) = event {
            self.deleted.insert(flight);
            self.news.remove(&flight);
        }
        self.flights.fold(place.revision, |state| Flights::evolve(state, event, place.revision));
        self.look_again(flight, place);
    }

    pub(crate) fn passenger_event(&mut self, place: Place, event: &PassengerEvent, report: &mut impl FnMut(Violation)) {
        let flight = event.flight_id();
        let allowed = passenger_core::is_legal(&self.passengers.state.state, event);
        let wrong = allowed.err().map(str::to_owned).or_else(|| self.wrong_for_flight(event));
        report_if(wrong, place, event.event_type(), flight, report);
        if let PassengerEvent::ManifestCompleted(_) | PassengerEvent::ManifestReopened(_) = event {
            self.news.insert(flight, place.revision);
        }
        self.passengers.fold(place.revision, |Manifests { state, versions }| {
            Passengers::evolve(state, event, place.revision);
            versions.insert(flight, place.revision);
        });
        self.look_again(flight, place);
    }

    /// What is wrong with an event of a flight, as its manifest stands.
    fn wrong_for_manifest(&self, event: &FlightEvent) -> Option<String> {
        let flight = event.flight_id();
        let manifest = self.passengers.state.state.manifest(&flight);
        let is_no_news = |revision| self.news.get(&flight).is_none_or(|newest| *newest < revision);
        match event {
            FlightEvent::Departed(_) if manifest.counts().checked_in > 0 => {
                Some(format!("{} on its manifest have not boarded", manifest.counts().checked_in))
            }
            FlightEvent::Departed(_) if manifest.state() != ManifestState::Sealed => {
                Some("its manifest is not sealed".to_owned())
            }
            FlightEvent::AllBoarded(event) if is_no_news(event.manifest_revision) => {
                Some(format!("its manifest had no news at {}", event.manifest_revision))
            }
            FlightEvent::BoardingReopened(event) if is_no_news(event.manifest_revision) => {
                Some(format!("its manifest had no news at {}", event.manifest_revision))
            }
            FlightEvent::Created(_)
            | FlightEvent::DetailsCorrected(_)
            | FlightEvent::AllBoarded(_)
            | FlightEvent::BoardingReopened(_)
            | FlightEvent::Departed(_)
            | FlightEvent::Landed(_)
            | FlightEvent::Deleted(_) => None,
        }
    }

    /// What is wrong with an event of a manifest, as its flight stands.
    fn wrong_for_flight(&self, event: &PassengerEvent) -> Option<String> {
        let id = event.flight_id();
        let (flight, is_deleted) = (self.flights.state.flight(&id), self.deleted.contains(&id));
        let wrong = match event {
            PassengerEvent::ManifestClosed(event) => match event.ending {
                FlightEnding::Landed if is_deleted => None,
                FlightEnding::Landed if flight.is_some_and(|it| it.status == FlightStatus::Arrived) => None,
                FlightEnding::Landed => Some("the flight has not landed"),
                FlightEnding::Deleted => (!is_deleted).then_some("the flight is not deleted"),
            },
            PassengerEvent::CheckedIn(_)
            | PassengerEvent::NameCorrected(_)
            | PassengerEvent::Boarded(_)
            | PassengerEvent::Offloaded(_)
            | PassengerEvent::Arrived(_)
            | PassengerEvent::Removed(_)
            | PassengerEvent::ManifestCompleted(_)
            | PassengerEvent::ManifestReopened(_)
            | PassengerEvent::ManifestSealed(_) => {
                (flight.is_none() && !is_deleted).then_some("the flight was never created")
            }
        };
        wrong.map(str::to_owned)
    }

    /// Finds out what is to be done for a flight after this event.
    fn look_again(&mut self, id: FlightId, place: Place) {
        let manifest = self.passengers.state.state.manifest(&id);
        let status = self.flights.state.flight(&id).map(|flight| flight.status);
        let at_gate = status.is_some_and(FlightStatus::is_at_gate);
        let heard = status == Some(FlightStatus::AllBoarded);
        let is_landed = status == Some(FlightStatus::Arrived);
        for (step, is_to_be_done) in [
            (Step::HearOfManifest, at_gate && heard != manifest.is_complete()),
            (Step::Depart, at_gate && manifest.state() == ManifestState::Sealed),
            (Step::LetArrive, is_landed && !manifest.is_finished(FlightEnding::Landed)),
            (Step::Remove, self.deleted.contains(&id) && !manifest.is_finished(FlightEnding::Deleted)),
        ] {
            if is_to_be_done {
                self.unfinished.entry((id, step)).or_insert(place);
            } else {
                self.unfinished.remove(&(id, step));
            }
        }
    }

    /// What is legal only in passing, as of now.
    pub(crate) fn unfinished(&self) -> Vec<Unfinished> {
        let unfinished = self.unfinished.iter();
        unfinished.map(|(&(flight, step), &since)| Unfinished { flight, step, since }).collect()
    }

    /// Whether this has been so all the time since.
    pub(crate) fn is_unfinished(&self, &Unfinished { flight, step, since }: &Unfinished) -> bool {
        self.unfinished.get(&(flight, step)) == Some(&since)
    }
}

fn report_if(
    wrong: Option<String>,
    place: Place,
    event_type: &str,
    flight: FlightId,
    report: &mut impl FnMut(Violation),
) {
    if let Some(wrong) = wrong {
        report(Violation { place, flight: Some(flight), what: format!("{event_type} is not legal: {wrong}") });
    }
}

impl From<Unfinished> for Violation {
    fn from(Unfinished { flight, step, since }: Unfinished) -> Self {
        let what = match step {
            Step::HearOfManifest => "it has not heard whether everybody on its manifest has boarded",
            Step::Depart => "its manifest is sealed, and it has not left the gate",
            Step::LetArrive => "it has landed, and its manifest is not closed, or has passengers who have not arrived",
            Step::Remove => "it is deleted, and its manifest is not closed, or has passengers",
        };
        Self { place: since, flight: Some(flight), what: what.to_owned() }
    }
}
