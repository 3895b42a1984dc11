use passenger_contract::{FlightEnding, PassengerId};
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};
use shared_kernel::{Described, Schema, names_schema};

use crate::{Passenger, PassengerStatus};

/// The passengers of one flight. A flight of which nothing is known has an open, empty manifest.
///
/// A clone shares everything with its original.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    state: ManifestState,
    passengers: OrdMap<PassengerId, Arc<Passenger>>,
    counts: Counts,
    /// How many more passengers there are, who are known by nothing but their number: the flight ended long ago, and they
    /// were forgotten.
    unlisted: u64,
    /// Those of them who were removed since.
    removed: OrdSet<PassengerId>,
}

/// What is left of a manifest that was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ended {
    ending: FlightEnding,
    unlisted: u32,
}

impl Ended {
    /// The manifest, whose passengers are not listed any more.
    pub(crate) fn manifest(self) -> Manifest {
        let state = ManifestState::Closed(self.ending);
        Manifest { state, unlisted: self.unlisted.into(), ..Manifest::default() }
    }
}

/// Whether a manifest takes changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ManifestState {
    /// Passengers can be added, boarded and offloaded.
    #[default]
    Open,
    /// The flight is leaving or has left the gate. Only its end changes the manifest.
    Sealed,
    /// The flight has ended. Nothing can be changed any more but what is left of closing it.
    Closed(FlightEnding),
}

impl Described for ManifestState {
    fn schema() -> Schema {
        names_schema(&Self::EACH.map(Self::as_str))
    }
}

impl ManifestState {
    /// One of each name: how a manifest was closed is not part of it.
    pub const EACH: [Self; 3] = [Self::Open, Self::Sealed, Self::Closed(FlightEnding::Landed)];

    /// The state as it is stored and sent: `open`, `sealed` or `closed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sealed => "sealed",
            Self::Closed(_) => "closed",
        }
    }
}

/// How many passengers of a manifest have which status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Not on board yet.
    pub checked_in: u64,
    /// On board.
    pub boarded: u64,
    /// Landed with the flight.
    pub arrived: u64,
    /// Taken off before departure.
    pub offloaded: u64,
}

shared_kernel::described! {
    Counts as "Counts", "How many passengers have which status" {
        "checkedIn": u64 = 3,
        "boarded": u64 = 120,
        "arrived": u64 = 0,
        "offloaded": u64 = 1,
    }
}

impl Counts {
    /// Whether everybody has boarded: at least one passenger, and nobody missing. The flight does not wait for those
    /// who were offloaded.
    #[must_use]
    pub const fn is_complete(self) -> bool {
        self.boarded > 0 && self.checked_in == 0
    }

    const fn of(&mut self, status: PassengerStatus) -> &mut u64 {
        match status {
            PassengerStatus::CheckedIn => &mut self.checked_in,
            PassengerStatus::Boarded => &mut self.boarded,
            PassengerStatus::Arrived => &mut self.arrived,
            PassengerStatus::Offloaded => &mut self.offloaded,
        }
    }

    /// These counts with one more of this status.
    pub(crate) const fn with(mut self, status: PassengerStatus) -> Self {
        let count = self.of(status);
        *count = count.saturating_add(1);
        self
    }

    /// These counts with one less of this status.
    pub(crate) const fn without(mut self, status: PassengerStatus) -> Self {
        let count = self.of(status);
        *count = count.saturating_sub(1);
        self
    }
}

impl Manifest {
    /// Whether it takes changes.
    #[must_use]
    pub const fn state(&self) -> ManifestState {
        self.state
    }

    /// How many passengers have which status.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether everybody has boarded; see [`Counts::is_complete`].
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.counts.is_complete()
    }

    /// How many passengers it has beside those that it lists. They were forgotten some time after their flight had ended;
    /// until it is deleted they are on the manifest all the same.
    #[must_use]
    pub const fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// Its passengers, whatever their status, by identifier.
    pub fn passengers(&self) -> impl Iterator<Item = &Arc<Passenger>> {
        self.passengers.values()
    }

    /// Its passengers with this status, by identifier.
    pub fn passengers_with(&self, status: PassengerStatus) -> impl Iterator<Item = &Arc<Passenger>> {
        self.passengers().filter(move |passenger| passenger.status == status)
    }

    /// Whether nothing is left to do to close it for this ending, so that another [`crate::PassengerCommand::Close`]
    /// would decide nothing. A deletion outdoes a landing, so a manifest closed by one is finished for both only when
    /// it is empty, and is not closed again by a landing.
    #[must_use]
    pub fn is_finished(&self, ending: FlightEnding) -> bool {
        match (self.state, ending) {
            (ManifestState::Closed(FlightEnding::Landed), FlightEnding::Landed) => self.counts.boarded == 0,
            (ManifestState::Closed(FlightEnding::Deleted), FlightEnding::Landed) => true,
            (ManifestState::Closed(FlightEnding::Deleted), FlightEnding::Deleted) => {
                self.passengers.is_empty() && self.unlisted == 0
            }
            (ManifestState::Open | ManifestState::Sealed | ManifestState::Closed(FlightEnding::Landed), _) => false,
        }
    }

    /// What is stored of it beside its passengers. The counts follow from them.
    pub(crate) fn without_passengers(&self) -> Self {
        Self { passengers: OrdMap::new(), counts: Counts::default(), ..self.clone() }
    }

    /// What is left of it once it is forgotten, if its flight has ended.
    pub(crate) fn ended(&self) -> Option<Ended> {
        let ManifestState::Closed(ending) = self.state else { return None };
        let unlisted = u32::try_from(self.unlisted.saturating_add(self.passengers.len() as u64)).ok()?;
        self.is_finished(ending).then_some(Ended { ending, unlisted })
    }

    /// Whether somebody may still have to be removed who is not listed.
    pub(crate) fn may_remove(&self, id: &PassengerId) -> bool {
        self.state == ManifestState::Closed(FlightEnding::Deleted) && self.unlisted > 0 && !self.removed.contains(id)
    }

    /// Removes a passenger who is not listed.
    pub(crate) fn remove_unlisted(&mut self, id: PassengerId) {
        if self.unlisted > 0 && self.removed.insert(id).is_none() {
            self.unlisted -= 1;
        }
        if self.unlisted == 0 {
            self.removed.clear();
        }
    }

    pub(crate) fn passenger(&self, id: &PassengerId) -> Option<&Arc<Passenger>> {
        self.passengers.get(id)
    }

    pub(crate) const fn set_state(&mut self, state: ManifestState) {
        self.state = state;
    }

    /// Adds a passenger who is not on the manifest.
    pub(crate) fn add(&mut self, passenger: Arc<Passenger>) {
        self.counts = self.counts.with(passenger.status);
        self.passengers.insert(passenger.id, passenger);
    }

    pub(crate) fn remove(&mut self, id: &PassengerId) {
        if let Some(removed) = self.passengers.remove(id) {
            self.counts = self.counts.without(removed.status);
        }
    }

    /// Changes a passenger. One who is not on the manifest stays unknown.
    pub(crate) fn change(&mut self, id: &PassengerId, change: impl FnOnce(&mut Passenger)) {
        if let Some(passenger) = self.passengers.get_mut(id) {
            let passenger = Arc::make_mut(passenger);
            let before = passenger.status;
            change(passenger);
            self.counts = self.counts.without(before).with(passenger.status);
        }
    }
}
