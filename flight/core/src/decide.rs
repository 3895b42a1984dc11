use flight_contract::FlightId;
use std::sync::Arc;

use shared_kernel::{Decider, IfVersion, Revision};
use uuid::Uuid;

use crate::state::{Standing, is_complete_at, is_news};
use crate::{
    Flight, FlightAllBoarded, FlightBoardingReopened, FlightCommand, FlightCreated, FlightDeleted, FlightDetails,
    FlightDetailsCorrected, FlightDisembarked, FlightEvent, FlightLanded, FlightRejection, FlightState, FlightStatus,
};

type Decision = Result<Vec<FlightEvent>, FlightRejection>;

/// The rules of flights. A command's caller gets the flight back, or nothing once it is deleted.
///
/// A rejection names the first of these that applies: there is no such flight, the version is stale, a rule says no.
#[derive(Debug, Clone, Copy)]
pub struct Flights;

impl Decider for Flights {
    type State = FlightState;
    type Command = FlightCommand;
    type Event = FlightEvent;
    type Rejection = FlightRejection;
    type Subject = FlightId;
    type Outcome = Option<Arc<Flight>>;

    const STATE_VERSION: u32 = 2;

    fn decide(state: &FlightState, command: &FlightCommand) -> Decision {
        match command {
            FlightCommand::Create { flight_id, details } => create(state, *flight_id, details),
            FlightCommand::CorrectDetails { flight_id, details, if_version } => {
                correct_details(at_gate(state, flight_id, if_version.as_ref())?, details)
            }
            FlightCommand::NoteManifest { flight_id, complete, manifest_revision } => {
                Ok(note_manifest(state, flight_id, *complete, *manifest_revision))
            }
            FlightCommand::PrepareDeparture { flight_id, manifest_revision, if_version } => {
                prepare_departure(state, flight_id, *manifest_revision, *if_version)
            }
            FlightCommand::Depart { flight_id } => {
                may_depart(state, flight_id, None)?;
                Ok(vec![FlightEvent::Departed(FlightDisembarked { flight_id: *flight_id })])
            }
            FlightCommand::CompleteDeparture { flight_id } => Ok(complete_departure(state, flight_id)),
            FlightCommand::Land { flight_id, if_version } => land(existing(state, flight_id, if_version.as_ref())?),
            FlightCommand::Delete { flight_id, if_version } => delete(existing(state, flight_id, if_version.as_ref())?),
        }
    }

    fn restate(state: &FlightState, command: &FlightCommand) -> Vec<FlightEvent> {
        match command {
            // Repeated, it would undo a correction that came after it.
            FlightCommand::CorrectDetails { flight_id, details, .. } if state.flight(flight_id).is_some() => {
                vec![details_corrected(*flight_id, details)]
            }
            FlightCommand::Create { .. }
            | FlightCommand::CorrectDetails { .. }
            | FlightCommand::NoteManifest { .. }
            | FlightCommand::PrepareDeparture { .. }
            | FlightCommand::Depart { .. }
            | FlightCommand::CompleteDeparture { .. }
            | FlightCommand::Land { .. }
            | FlightCommand::Delete { .. } => Vec::new(),
        }
    }

    fn concerns(_: &FlightState, command: &FlightCommand) -> Vec<Uuid> {
        vec![command.flight_id().uuid()]
    }

    fn evolve(state: &mut FlightState, event: &FlightEvent, revision: Revision) {
        state.apply(event, revision);
    }

    fn has_ended(state: &FlightState, flight_id: Uuid) -> bool {
        state.has_ended(&FlightId::new(flight_id))
    }

    fn forget(state: &mut FlightState, flight_id: Uuid) {
        state.forget(&FlightId::new(flight_id));
    }

    fn subject(command: &FlightCommand) -> FlightId {
        command.flight_id()
    }

    fn subject_of_event(event: &FlightEvent) -> FlightId {
        event.subject()
    }

    fn outcome(state: &FlightState, flight_id: &FlightId) -> Option<Arc<Flight>> {
        state.flight(flight_id).cloned()
    }
}

/// Whether a flight may leave the gate as far as its own domain knows. To be checked before its manifest is sealed,
/// because a seal cannot be undone; the seal then decides whether everybody has boarded.
///
/// # Errors
/// [`FlightRejection::NotFound`], [`FlightRejection::Stale`] or [`FlightRejection::AlreadyDeparted`], in this order.
pub fn may_depart(
    state: &FlightState,
    flight_id: &FlightId,
    if_version: Option<&IfVersion>,
) -> Result<(), FlightRejection> {
    at_gate(state, flight_id, if_version).map(drop)
}

/// The flight, at the gate, in the version the command is meant for.
fn at_gate<'state>(
    state: &'state FlightState,
    flight_id: &FlightId,
    if_version: Option<&IfVersion>,
) -> Result<&'state Flight, FlightRejection> {
    let standing = existing(state, flight_id, if_version)?;
    standing.flight.filter(|flight| flight.status.is_at_gate()).ok_or(FlightRejection::AlreadyDeparted)
}

/// How the flight stands, in the version the command is meant for.
fn existing<'state>(
    state: &'state FlightState,
    flight_id: &FlightId,
    if_version: Option<&IfVersion>,
) -> Result<Standing<'state>, FlightRejection> {
    let flight = state.standing(flight_id).ok_or(FlightRejection::NotFound)?;
    if if_version.is_some_and(|wanted| !wanted.is_met_by(flight.version)) {
        return Err(FlightRejection::Stale { current: flight.version });
    }
    Ok(flight)
}

fn create(state: &FlightState, flight_id: FlightId, details: &FlightDetails) -> Decision {
    if state.is_taken(&flight_id) {
        return Err(FlightRejection::AlreadyExists);
    }
    Ok(vec![FlightEvent::Created(FlightCreated { flight_id, details: details.clone().into() })])
}

fn correct_details(flight: &Flight, details: &FlightDetails) -> Decision {
    if flight.details == *details {
        return Ok(Vec::new());
    }
    Ok(vec![details_corrected(flight.id, details)])
}

fn details_corrected(flight_id: FlightId, details: &FlightDetails) -> FlightEvent {
    FlightEvent::DetailsCorrected(FlightDetailsCorrected { flight_id, details: details.clone().into() })
}

/// News may arrive out of order and more than once, so only what is newer than the newest news known counts, and all of
/// it becomes an event, also news that leaves the status as it is. It has to: the flight remembers how new its
/// knowledge is only by events. If "complete at 5" were dropped because the flight was all boarded since 3, the
/// overtaken "reopened at 4" would win afterwards. Completed and reopened alternate, so such an event is rare: it takes
/// overtaken news.
fn note_manifest(
    state: &FlightState,
    flight_id: &FlightId,
    complete: bool,
    manifest_revision: Revision,
) -> Vec<FlightEvent> {
    let Some(flight) = state.flight(flight_id).filter(|flight| flight.status.is_at_gate()) else {
        return Vec::new();
    };
    if !is_news(flight, manifest_revision) {
        return Vec::new();
    }
    let flight_id = flight.id;
    vec![if complete {
        FlightEvent::AllBoarded(FlightAllBoarded { flight_id, manifest_revision })
    } else {
        FlightEvent::BoardingReopened(FlightBoardingReopened { flight_id, manifest_revision })
    }]
}

/// Hears of a complete manifest, also once more: that there is an event is the point, see
/// [`FlightCommand::PrepareDeparture`].
fn prepare_departure(
    state: &FlightState,
    flight_id: &FlightId,
    manifest_revision: Revision,
    if_version: Revision,
) -> Decision {
    let flight = at_gate(state, flight_id, Some(&if_version.into()))?;
    if !is_complete_at(flight, manifest_revision) {
        return Err(FlightRejection::Stale { current: flight.version });
    }
    Ok(vec![FlightEvent::AllBoarded(FlightAllBoarded { flight_id: flight.id, manifest_revision })])
}

fn complete_departure(state: &FlightState, flight_id: &FlightId) -> Vec<FlightEvent> {
    match may_depart(state, flight_id, None) {
        Ok(()) => vec![FlightEvent::Departed(FlightDisembarked { flight_id: *flight_id })],
        Err(_) => Vec::new(),
    }
}

fn land(flight: Standing<'_>) -> Decision {
    match flight.status {
        FlightStatus::WaitingForBoarding | FlightStatus::AllBoarded => Err(FlightRejection::NotDeparted),
        FlightStatus::Departed => Ok(vec![FlightEvent::Landed(FlightLanded { flight_id: flight.id })]),
        FlightStatus::Arrived => Err(FlightRejection::AlreadyArrived),
    }
}

fn delete(flight: Standing<'_>) -> Decision {
    match flight.status {
        FlightStatus::Departed => Err(FlightRejection::InTheAir),
        FlightStatus::WaitingForBoarding | FlightStatus::AllBoarded | FlightStatus::Arrived => {
            Ok(vec![FlightEvent::Deleted(FlightDeleted { flight_id: flight.id })])
        }
    }
}
