use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};

use crate::{Manifest, ManifestState, PassengerEvent, PassengerState, PassengerStatus};

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
