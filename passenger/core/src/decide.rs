use flight_contract::FlightId;
use passenger_contract::{FlightEnding, MAX_MISSING_NAMED, MissingPassenger, PassengerId};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared_kernel::{Decider, IfVersion, Revision};
use uuid::Uuid;

use crate::close::{close, remove_unlisted};
use crate::{
    Counts, Manifest, ManifestCompleted, ManifestReopened, ManifestSealed, ManifestState, OffloadReason, Passenger,
    PassengerBoarded, PassengerCheckedIn, PassengerCommand, PassengerEvent, PassengerName, PassengerNameCorrected,
    PassengerOffloaded, PassengerRejection, PassengerState, PassengerStatus,
};

type Decision = Result<Vec<PassengerEvent>, PassengerRejection>;

/// The rules of passengers and manifests.
///
/// A rejection names the first of these that applies: there is no such passenger, the version is stale, the manifest is
/// not open, the passenger's status says no.
#[derive(Debug, Clone, Copy)]
pub struct Passengers;

/// What a command of the passenger domain is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PassengerSubject {
    /// One passenger.
    Passenger(PassengerId),
    /// The manifest of this flight.
    Manifest(FlightId),
}

/// What a command of the passenger domain left of its subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PassengerOutcome {
    /// The passenger, unless they were removed with their flight since.
    Passenger(Option<Arc<Passenger>>),
    /// The manifest.
    Manifest(Arc<Manifest>),
}

impl Decider for Passengers {
    type State = PassengerState;
    type Command = PassengerCommand;
    type Event = PassengerEvent;
    type Rejection = PassengerRejection;
    type Subject = PassengerSubject;
    type Outcome = PassengerOutcome;

    const STATE_VERSION: u32 = 2;

    fn decide(state: &PassengerState, command: &PassengerCommand) -> Decision {
        match command {
            PassengerCommand::CheckIn { passenger_id, flight_id, name } => {
                check_in(state, *passenger_id, *flight_id, name)
            }
            PassengerCommand::CorrectName { passenger_id, name, if_version } => {
                let (_, passenger) = changeable(state, passenger_id, if_version.as_ref())?;
                Ok(correct_name(passenger, name))
            }
            PassengerCommand::Board { passenger_id, if_version } => {
                let (manifest, passenger) = changeable(state, passenger_id, if_version.as_ref())?;
                board(manifest, passenger)
            }
            PassengerCommand::Offload { passenger_id, reason, if_version } => {
                let (manifest, passenger) = changeable(state, passenger_id, if_version.as_ref())?;
                offload(manifest, passenger, reason)
            }
            PassengerCommand::Seal { flight_id } => seal(*flight_id, &state.manifest(flight_id)),
            PassengerCommand::Close { flight_id, ending } => Ok(close(*flight_id, &state.manifest(flight_id), *ending)),
            PassengerCommand::RemoveUnlisted { flight_id, passengers } => {
                Ok(remove_unlisted(*flight_id, &state.manifest(flight_id), passengers))
            }
        }
    }

    fn restate(state: &PassengerState, command: &PassengerCommand) -> Vec<PassengerEvent> {
        match command {
            // Repeated, it would undo a correction that came after it.
            PassengerCommand::CorrectName { passenger_id, name, .. } => {
                state.passenger(passenger_id).map(|passenger| name_corrected(passenger, name)).into_iter().collect()
            }
            PassengerCommand::CheckIn { .. }
            | PassengerCommand::Board { .. }
            | PassengerCommand::Offload { .. }
            | PassengerCommand::Seal { .. }
            | PassengerCommand::Close { .. }
            | PassengerCommand::RemoveUnlisted { .. } => Vec::new(),
        }
    }

    fn concerns(state: &PassengerState, command: &PassengerCommand) -> Vec<Uuid> {
        match command {
            PassengerCommand::CorrectName { passenger_id, .. }
            | PassengerCommand::Board { passenger_id, .. }
            | PassengerCommand::Offload { passenger_id, .. } => {
                let flight_id = state.passenger(passenger_id).map(|passenger| passenger.flight_id.uuid());
                flight_id.into_iter().chain([passenger_id.uuid()]).collect()
            }
            PassengerCommand::CheckIn { flight_id, .. }
            | PassengerCommand::Seal { flight_id }
            | PassengerCommand::Close { flight_id, .. }
            | PassengerCommand::RemoveUnlisted { flight_id, .. } => vec![flight_id.uuid()],
        }
    }

    fn evolve(state: &mut PassengerState, event: &PassengerEvent, revision: Revision) {
        state.apply(event, revision);
    }

    fn has_ended(state: &PassengerState, flight_id: Uuid) -> bool {
        state.has_ended(&FlightId::new(flight_id))
    }

    fn forget(state: &mut PassengerState, flight_id: Uuid) {
        state.forget(&FlightId::new(flight_id));
    }

    fn subject(command: &PassengerCommand) -> PassengerSubject {
        match command {
            PassengerCommand::CheckIn { passenger_id, .. }
            | PassengerCommand::CorrectName { passenger_id, .. }
            | PassengerCommand::Board { passenger_id, .. }
            | PassengerCommand::Offload { passenger_id, .. } => PassengerSubject::Passenger(*passenger_id),
            PassengerCommand::Seal { flight_id }
            | PassengerCommand::Close { flight_id, .. }
            | PassengerCommand::RemoveUnlisted { flight_id, .. } => PassengerSubject::Manifest(*flight_id),
        }
    }

    fn subject_of_event(event: &PassengerEvent) -> PassengerSubject {
        event.subject()
    }

    fn outcome(state: &PassengerState, subject: &PassengerSubject) -> PassengerOutcome {
        match subject {
            PassengerSubject::Passenger(id) => PassengerOutcome::Passenger(state.passenger(id).cloned()),
            PassengerSubject::Manifest(flight_id) => PassengerOutcome::Manifest(state.manifest(flight_id)),
        }
    }
}

/// The passenger, in the version the command is meant for, and their manifest, which is open.
fn changeable<'state>(
    state: &'state PassengerState,
    id: &PassengerId,
    if_version: Option<&IfVersion>,
) -> Result<(&'state Manifest, &'state Passenger), PassengerRejection> {
    let (manifest, passenger) = state
        .manifest_with(id)
        .and_then(|manifest| Some((manifest, manifest.passenger(id)?)))
        .ok_or_else(|| unknown(state))?;
    if if_version.is_some_and(|wanted| !wanted.is_met_by(passenger.version)) {
        return Err(PassengerRejection::Stale { current: passenger.version });
    }
    must_be_open(manifest)?;
    Ok((manifest, passenger))
}

/// Why nothing can be done with a passenger who is not in the state.
const fn unknown(state: &PassengerState) -> PassengerRejection {
    match state.forgotten() {
        Some(forgotten) => PassengerRejection::NotRemembered { forgotten },
        None => PassengerRejection::NotFound,
    }
}

fn must_be_open(manifest: &Manifest) -> Result<(), PassengerRejection> {
    match manifest.state() {
        ManifestState::Open => Ok(()),
        ManifestState::Sealed => Err(PassengerRejection::ManifestSealed),
        ManifestState::Closed(ending) => Err(PassengerRejection::ManifestClosed { ending }),
    }
}

fn check_in(state: &PassengerState, passenger_id: PassengerId, flight_id: FlightId, name: &PassengerName) -> Decision {
    if state.passenger(&passenger_id).is_some() {
        return Err(PassengerRejection::AlreadyExists);
    }
    let manifest = state.manifest(&flight_id);
    must_be_open(&manifest)?;
    let checked_in = PassengerEvent::CheckedIn(PassengerCheckedIn { flight_id, passenger_id, name: name.clone() });
    let after = manifest.counts().with(PassengerStatus::CheckedIn);
    Ok(with_completeness(checked_in, manifest.counts(), after))
}

fn correct_name(passenger: &Passenger, name: &PassengerName) -> Vec<PassengerEvent> {
    if passenger.name == *name {
        return Vec::new();
    }
    vec![name_corrected(passenger, name)]
}

fn name_corrected(passenger: &Passenger, name: &PassengerName) -> PassengerEvent {
    PassengerEvent::NameCorrected(PassengerNameCorrected {
        flight_id: passenger.flight_id,
        passenger_id: passenger.id,
        name: name.clone(),
    })
}

/// For a passenger who has arrived. Their manifest is closed, so that it answers before their status does.
const HAS_LANDED: PassengerRejection = PassengerRejection::ManifestClosed { ending: FlightEnding::Landed };

fn board(manifest: &Manifest, passenger: &Passenger) -> Decision {
    match passenger.status {
        PassengerStatus::CheckedIn => {}
        PassengerStatus::Boarded => return Err(PassengerRejection::AlreadyBoarded),
        PassengerStatus::Arrived => return Err(HAS_LANDED),
        PassengerStatus::Offloaded => return Err(PassengerRejection::Offloaded),
    }
    let boarded =
        PassengerEvent::Boarded(PassengerBoarded { flight_id: passenger.flight_id, passenger_id: passenger.id });
    let before = manifest.counts();
    let after = before.without(passenger.status).with(PassengerStatus::Boarded);
    Ok(with_completeness(boarded, before, after))
}

fn offload(manifest: &Manifest, passenger: &Passenger, reason: &OffloadReason) -> Decision {
    match passenger.status {
        PassengerStatus::CheckedIn | PassengerStatus::Boarded => {}
        PassengerStatus::Arrived => return Err(HAS_LANDED),
        PassengerStatus::Offloaded => return Err(PassengerRejection::Offloaded),
    }
    let offloaded = PassengerEvent::Offloaded(PassengerOffloaded {
        flight_id: passenger.flight_id,
        passenger_id: passenger.id,
        reason: reason.clone(),
    });
    let before = manifest.counts();
    let after = before.without(passenger.status).with(PassengerStatus::Offloaded);
    Ok(with_completeness(offloaded, before, after))
}

fn seal(flight_id: FlightId, manifest: &Manifest) -> Decision {
    match manifest.state() {
        ManifestState::Open if manifest.is_complete() => {
            Ok(vec![PassengerEvent::ManifestSealed(ManifestSealed { flight_id, boarded: manifest.counts().boarded })])
        }
        ManifestState::Open => Err(not_all_boarded(manifest)),
        ManifestState::Sealed => Ok(Vec::new()),
        ManifestState::Closed(ending) => Err(PassengerRejection::ManifestClosed { ending }),
    }
}

fn not_all_boarded(manifest: &Manifest) -> PassengerRejection {
    let passengers = manifest
        .passengers_with(PassengerStatus::CheckedIn)
        .take(MAX_MISSING_NAMED)
        .map(|passenger| MissingPassenger { id: passenger.id, name: passenger.name.as_str().to_owned() })
        .collect();
    PassengerRejection::NotAllBoarded { missing: manifest.counts().checked_in, passengers }
}

/// What happened to a passenger, and what came of it for their manifest if that became complete or is so no longer.
fn with_completeness(event: PassengerEvent, before: Counts, after: Counts) -> Vec<PassengerEvent> {
    let flight_id = event.flight_id();
    match (before.is_complete(), after.is_complete()) {
        (false, true) => {
            vec![event, PassengerEvent::ManifestCompleted(ManifestCompleted { flight_id, boarded: after.boarded })]
        }
        (true, false) => {
            vec![event, PassengerEvent::ManifestReopened(ManifestReopened { flight_id, missing: after.checked_in })]
        }
        (true, true) | (false, false) => vec![event],
    }
}
