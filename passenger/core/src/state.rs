use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};
use std::sync::Arc;

use imbl::OrdMap;
use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Deserialize, Serialize, Serializer};
use shared_kernel::Revision;

use crate::manifest::Ended;
use crate::{Manifest, ManifestState, Passenger, PassengerEvent, PassengerStatus};

/// Every manifest that anything is known of, with its passengers, unless its flight has ended and it was forgotten. A
/// clone shares everything with its original.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "Snapshot")]
pub struct PassengerState {
    manifests: OrdMap<FlightId, Arc<Manifest>>,
    flight_of: OrdMap<PassengerId, FlightId>,
    ended: OrdMap<FlightId, Ended>,
    /// The newest event about a passenger who was forgotten.
    forgotten: Option<Revision>,
}

impl PassengerState {
    /// A passenger, unless they are unknown, were removed with their flight, or were forgotten after it had ended.
    #[must_use]
    pub fn passenger(&self, id: &PassengerId) -> Option<&Arc<Passenger>> {
        self.manifest_with(id)?.passenger(id)
    }

    /// The manifest of a flight: an open, empty one if nothing is known of it.
    #[must_use]
    pub fn manifest(&self, flight_id: &FlightId) -> Arc<Manifest> {
        let forgotten = || self.ended.get(flight_id).map(|ended| Arc::new(ended.manifest()));
        self.manifests.get(flight_id).cloned().or_else(forgotten).unwrap_or_default()
    }

    /// The newest event about a passenger who was forgotten; `None` if nobody ever was.
    #[must_use]
    pub const fn forgotten(&self) -> Option<Revision> {
        self.forgotten
    }

    /// Whether a flight has ended, and nothing is left to do on its manifest.
    pub(crate) fn has_ended(&self, flight_id: &FlightId) -> bool {
        self.manifests.get(flight_id).is_some_and(|manifest| manifest.ended().is_some())
    }

    pub(crate) fn forget(&mut self, flight_id: &FlightId) {
        let Some(manifest) = self.manifests.get(flight_id).cloned() else { return };
        let Some(ended) = manifest.ended() else { return };
        for passenger in manifest.passengers() {
            self.flight_of.remove(&passenger.id);
            self.forgotten = self.forgotten.max(Some(passenger.version));
        }
        self.manifests.remove(flight_id);
        self.ended.insert(*flight_id, ended);
    }

    /// Every manifest that was not forgotten, by flight.
    pub fn manifests(&self) -> impl Iterator<Item = (&FlightId, &Arc<Manifest>)> {
        self.manifests.iter()
    }

    /// The manifest that a passenger is on.
    pub(crate) fn manifest_with(&self, id: &PassengerId) -> Option<&Arc<Manifest>> {
        self.manifests.get(self.flight_of.get(id)?)
    }

    pub(crate) fn apply(&mut self, event: &PassengerEvent, revision: Revision) {
        match event {
            PassengerEvent::CheckedIn(event) => self.add(Arc::new(Passenger {
                id: event.passenger_id,
                flight_id: event.flight_id,
                name: event.name.clone(),
                status: PassengerStatus::CheckedIn,
                version: revision,
            })),
            PassengerEvent::NameCorrected(event) => {
                self.change(&event.passenger_id, revision, |passenger| passenger.name = event.name.clone());
            }
            PassengerEvent::Boarded(event) => {
                self.set_status(&event.passenger_id, revision, PassengerStatus::Boarded);
            }
            PassengerEvent::Offloaded(event) => {
                self.set_status(&event.passenger_id, revision, PassengerStatus::Offloaded);
            }
            PassengerEvent::Arrived(event) => {
                self.set_status(&event.passenger_id, revision, PassengerStatus::Arrived);
            }
            PassengerEvent::Removed(event) if self.flight_of.contains_key(&event.passenger_id) => {
                self.remove(&event.passenger_id);
            }
            PassengerEvent::Removed(event) => {
                if self.manifest(&event.flight_id).unlisted() > 0 {
                    self.manifest_mut(&event.flight_id).remove_unlisted(event.passenger_id);
                }
            }
            // Completeness follows from the passengers; these two tell the flight domain of it.
            PassengerEvent::ManifestCompleted(_) | PassengerEvent::ManifestReopened(_) => {}
            PassengerEvent::ManifestSealed(event) => {
                self.manifest_mut(&event.flight_id).set_state(ManifestState::Sealed);
            }
            PassengerEvent::ManifestClosed(event) => {
                self.manifest_mut(&event.flight_id).set_state(ManifestState::Closed(event.ending));
            }
        }
    }

    /// Adds a passenger, in place of one with the same identifier.
    fn add(&mut self, passenger: Arc<Passenger>) {
        self.remove(&passenger.id);
        self.flight_of.insert(passenger.id, passenger.flight_id);
        self.manifest_mut(&passenger.flight_id).add(passenger);
    }

    fn set_status(&mut self, id: &PassengerId, revision: Revision, status: PassengerStatus) {
        self.change(id, revision, |passenger| passenger.status = status);
    }

    /// Changes a passenger because of the event with this revision. An event about an unknown one changes nothing.
    fn change(&mut self, id: &PassengerId, revision: Revision, change: impl FnOnce(&mut Passenger)) {
        if let Some(flight_id) = self.flight_of.get(id).copied() {
            self.manifest_mut(&flight_id).change(id, |passenger| {
                change(passenger);
                passenger.version = revision;
            });
        }
    }

    fn remove(&mut self, id: &PassengerId) {
        if let Some(flight_id) = self.flight_of.remove(id) {
            self.manifest_mut(&flight_id).remove(id);
        }
    }

    fn manifest_mut(&mut self, flight_id: &FlightId) -> &mut Manifest {
        // One that was forgotten comes back closed, as it was.
        let forgotten = self.ended.remove(flight_id);
        let begin = || Arc::new(forgotten.map(Ended::manifest).unwrap_or_default());
        Arc::make_mut(self.manifests.entry(*flight_id).or_insert_with(begin))
    }
}

/// What is stored of the state: all but what follows from the rest, namely who is on which manifest and the counts.
#[derive(Deserialize)]
struct Snapshot {
    manifests: Vec<(FlightId, Arc<Manifest>)>,
    passengers: Vec<Arc<Passenger>>,
    ended: OrdMap<FlightId, Ended>,
    forgotten: Option<Revision>,
}

/// One by one: nothing is put together first.
impl Serialize for PassengerState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let manifests = || self.manifests().map(|(flight_id, manifest)| (flight_id, manifest.without_passengers()));
        let manifests = List(self.manifests.len(), manifests);
        let passengers = || self.manifests().flat_map(|(_, manifest)| manifest.passengers());
        let passengers = List(self.flight_of.len(), passengers);
        let mut stored = serializer.serialize_struct("Snapshot", 4)?;
        stored.serialize_field("manifests", &manifests)?;
        stored.serialize_field("passengers", &passengers)?;
        stored.serialize_field("ended", &self.ended)?;
        stored.serialize_field("forgotten", &self.forgotten)?;
        stored.end()
    }
}

/// What iterators of this kind give, so many, as a list: a form that begins with the length would hold all of it to count.
struct List<F>(usize, F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for List<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(length, items) = self;
        let mut list = serializer.serialize_seq(Some(*length))?;
        items().try_for_each(|item| list.serialize_element(&item))?;
        list.end()
    }
}

impl From<Snapshot> for PassengerState {
    fn from(snapshot: Snapshot) -> Self {
        let mut state = Self { manifests: snapshot.manifests.into_iter().collect(), ..Self::default() };
        for passenger in snapshot.passengers {
            state.add(passenger);
        }
        (state.ended, state.forgotten) = (snapshot.ended, snapshot.forgotten);
        state
    }
}

/// Whether this is an event that the rules allow in this state: for checking what a stream says, long after it was
/// decided.
///
/// # Errors
/// What is wrong, in words for an operator.
pub fn is_legal(state: &PassengerState, event: &PassengerEvent) -> Result<(), &'static str> {
    let manifest = state.manifest(&event.flight_id());
    let manifest_state = manifest.state();
    let status = |id| status(state, event.flight_id(), id);
    let has = |id, statuses: &[PassengerStatus]| match statuses.contains(&status(id)?) {
        true => Ok(()),
        false => Err("the passenger's status does not allow it"),
    };
    match event {
        PassengerEvent::CheckedIn(event) if state.passenger(&event.passenger_id).is_some() => {
            Err("the passenger exists already")
        }
        PassengerEvent::CheckedIn(_) => open(&manifest),
        PassengerEvent::NameCorrected(event) => open(&manifest).and(status(&event.passenger_id).map(drop)),
        PassengerEvent::Boarded(event) => open(&manifest).and(has(&event.passenger_id, &[PassengerStatus::CheckedIn])),
        PassengerEvent::Offloaded(event) => {
            open(&manifest).and(has(&event.passenger_id, &[PassengerStatus::CheckedIn, PassengerStatus::Boarded]))
        }
        PassengerEvent::Arrived(_) if manifest_state != ManifestState::Closed(FlightEnding::Landed) => {
            Err("the manifest is not closed by a landing")
        }
        PassengerEvent::Arrived(event) => has(&event.passenger_id, &[PassengerStatus::Boarded]),
        PassengerEvent::Removed(_) if manifest_state != ManifestState::Closed(FlightEnding::Deleted) => {
            Err("the manifest is not closed by a deletion")
        }
        PassengerEvent::Removed(event) => status(&event.passenger_id).map(drop),
        PassengerEvent::ManifestCompleted(event) => complete(&manifest, event.boarded),
        PassengerEvent::ManifestReopened(_) if manifest.is_complete() => Err("everybody has boarded"),
        PassengerEvent::ManifestReopened(event) => {
            open(&manifest).and(count(manifest.counts().checked_in, event.missing))
        }
        PassengerEvent::ManifestSealed(event) => complete(&manifest, event.boarded),
        PassengerEvent::ManifestClosed(event) => match (manifest_state, event.ending) {
            (ManifestState::Open | ManifestState::Sealed, _)
            | (ManifestState::Closed(FlightEnding::Landed), FlightEnding::Deleted) => Ok(()),
            (ManifestState::Closed(_), _) => Err("the manifest is closed already"),
        },
    }
}

/// The status of a passenger of this flight.
fn status(state: &PassengerState, flight_id: FlightId, id: &PassengerId) -> Result<PassengerStatus, &'static str> {
    match state.passenger(id) {
        Some(passenger) if passenger.flight_id == flight_id => Ok(passenger.status),
        Some(_) => Err("the passenger is on another flight"),
        None => Err("there is no such passenger"),
    }
}

fn open(manifest: &Manifest) -> Result<(), &'static str> {
    match manifest.state() {
        ManifestState::Open => Ok(()),
        ManifestState::Sealed => Err("the manifest is sealed"),
        ManifestState::Closed(_) => Err("the manifest is closed"),
    }
}

fn complete(manifest: &Manifest, boarded: u64) -> Result<(), &'static str> {
    open(manifest)?;
    if !manifest.is_complete() {
        return Err("not everybody has boarded");
    }
    count(manifest.counts().boarded, boarded)
}

fn count(counted: u64, stored: u64) -> Result<(), &'static str> {
    if counted == stored { Ok(()) } else { Err("it counts other passengers than there are") }
}
