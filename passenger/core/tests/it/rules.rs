//! What may be done with passengers while their manifest is open, and with a manifest that is to be sealed.

use flight_contract::FlightId;
use passenger_contract::{FlightEnding, MissingPassenger, PassengerId};
use passenger_core::{ManifestState, PassengerCommand, PassengerRejection, PassengerStatus, Passengers};
use shared_kernel::testing::{Given, given};
use shared_kernel::{Decider, Revision};
use uuid::Uuid;

use crate::samples::{
    FLIGHT, MAX, SEAL, ZOE, board, boarded, check_in, checked_in, closed, completed, correct_name, name_corrected,
    offload, offloaded, passenger, removed, reopened, sealed, text,
};

fn nothing() -> Given<Passengers> {
    given([])
}

fn zoe_missing() -> Given<Passengers> {
    given([checked_in(ZOE)])
}

fn zoe_on_board_max_missing() -> Given<Passengers> {
    given([checked_in(ZOE), checked_in(MAX), boarded(ZOE)])
}

fn zoe_on_board() -> Given<Passengers> {
    given([checked_in(ZOE), boarded(ZOE), completed(1)])
}

fn zoe_offloaded() -> Given<Passengers> {
    given([checked_in(ZOE), offloaded(ZOE)])
}

fn departing() -> Given<Passengers> {
    given([checked_in(ZOE), boarded(ZOE), completed(1), sealed(1)])
}

fn ended(ending: FlightEnding) -> Given<Passengers> {
    given([checked_in(ZOE), boarded(ZOE), completed(1), sealed(1), closed(ending)])
}

fn status(given: &Given<Passengers>, id: PassengerId) -> Option<PassengerStatus> {
    given.state.passenger(&id).map(|passenger| passenger.status)
}

#[test]
fn of_an_unknown_flight_the_manifest_is_open_and_empty() {
    let manifest = nothing().state.manifest(&FLIGHT);
    assert_eq!(manifest.state(), ManifestState::Open);
    assert_eq!(manifest.passengers().count(), 0);
    assert!(!manifest.is_complete());
}

#[test]
fn a_passenger_is_added_to_an_open_manifest() {
    nothing().when(check_in(ZOE)).then_events([checked_in(ZOE)]);
    zoe_missing().when(check_in(MAX)).then_events([checked_in(MAX)]);
    let zoe = zoe_missing().state.passenger(&ZOE).cloned().unwrap();
    assert_eq!((zoe.id, zoe.flight_id, &zoe.name), (ZOE, FLIGHT, &text("Zoë Ångström")));
    assert_eq!(zoe.status, PassengerStatus::CheckedIn);
}

#[test]
fn only_a_correction_that_changes_nothing_is_recorded_for_its_key() {
    let corrected = given::<Passengers>([checked_in(ZOE), name_corrected(ZOE)]);
    assert_eq!(Passengers::restate(&corrected.state, &correct_name(ZOE)), [name_corrected(ZOE)]);
    for command in [check_in(MAX), board(ZOE), offload(ZOE), SEAL] {
        assert_eq!(Passengers::restate(&corrected.state, &command), []);
    }
    assert_eq!(Passengers::restate(&corrected.state, &correct_name(MAX)), []);
}

#[test]
fn a_command_rests_on_the_passenger_and_on_the_flight() {
    let state = zoe_missing().state;
    for command in [correct_name(ZOE), board(ZOE), offload(ZOE)] {
        assert_eq!(Passengers::concerns(&state, &command), [FLIGHT.uuid(), ZOE.uuid()]);
    }
    assert_eq!(Passengers::concerns(&state, &board(MAX)), [MAX.uuid()]);
    for command in [check_in(MAX), SEAL] {
        assert_eq!(Passengers::concerns(&state, &command), [FLIGHT.uuid()]);
    }
}

#[test]
fn an_identifier_is_given_once_whatever_the_flight() {
    zoe_missing().when(check_in(ZOE)).then_rejected(PassengerRejection::AlreadyExists);
    zoe_missing()
        .when(PassengerCommand::CheckIn {
            passenger_id: ZOE,
            flight_id: FlightId::new(Uuid::from_u128(2)),
            name: text("Zoë"),
        })
        .then_rejected(PassengerRejection::AlreadyExists);
}

#[test]
fn a_passenger_added_to_a_complete_manifest_reopens_it() {
    zoe_on_board().when(check_in(MAX)).then_events([checked_in(MAX), reopened(1)]);
}

#[test]
fn the_last_one_to_board_completes_the_manifest() {
    zoe_on_board_max_missing().when(board(MAX)).then_events([boarded(MAX), completed(2)]);
    given::<Passengers>([checked_in(ZOE), checked_in(MAX)]).when(board(ZOE)).then_events([boarded(ZOE)]);
}

#[test]
fn a_passenger_boards_once() {
    zoe_on_board().when(board(ZOE)).then_rejected(PassengerRejection::AlreadyBoarded);
    zoe_offloaded().when(board(ZOE)).then_rejected(PassengerRejection::Offloaded);
}

#[test]
fn offloading_the_last_one_missing_completes_the_manifest() {
    zoe_on_board_max_missing().when(offload(MAX)).then_events([offloaded(MAX), completed(1)]);
}

#[test]
fn a_manifest_without_anybody_on_board_is_not_complete() {
    zoe_missing().when(offload(ZOE)).then_events([offloaded(ZOE)]);
    zoe_on_board().when(offload(ZOE)).then_events([offloaded(ZOE), reopened(0)]);
    zoe_offloaded().when(SEAL).then_rejected(PassengerRejection::NotAllBoarded { missing: 0, passengers: vec![] });
}

#[test]
fn a_manifest_stays_complete_while_somebody_is_on_board() {
    given::<Passengers>([checked_in(ZOE), checked_in(MAX), boarded(ZOE), boarded(MAX), completed(2)])
        .when(offload(ZOE))
        .then_events([offloaded(ZOE)]);
}

#[test]
fn a_passenger_is_offloaded_once() {
    zoe_offloaded().when(offload(ZOE)).then_rejected(PassengerRejection::Offloaded);
}

#[test]
fn the_offloaded_do_not_count_for_a_completion() {
    given::<Passengers>([checked_in(ZOE), offloaded(ZOE), checked_in(MAX)])
        .when(board(MAX))
        .then_events([boarded(MAX), completed(1)]);
}

#[test]
fn a_name_is_corrected_while_the_manifest_is_open() {
    for given in [zoe_missing(), zoe_on_board(), zoe_offloaded()] {
        given.when(correct_name(ZOE)).then_events([name_corrected(ZOE)]);
    }
    let corrected = given::<Passengers>([checked_in(ZOE), name_corrected(ZOE)]);
    corrected.when(correct_name(ZOE)).then_nothing();
    assert_eq!(corrected.state.passenger(&ZOE).unwrap().name, text("Zoe Angstrom"));
}

#[test]
fn a_sealed_manifest_takes_no_change() {
    for command in [check_in(MAX), correct_name(ZOE), board(ZOE), offload(ZOE)] {
        departing().when(command).then_rejected(PassengerRejection::ManifestSealed);
    }
}

#[test]
fn a_closed_manifest_takes_no_change_and_no_seal() {
    for ending in [FlightEnding::Landed, FlightEnding::Deleted] {
        for command in [check_in(MAX), correct_name(ZOE), board(ZOE), offload(ZOE), SEAL] {
            ended(ending).when(command).then_rejected(PassengerRejection::ManifestClosed { ending });
        }
    }
}

#[test]
fn a_closed_manifest_that_never_had_passengers_is_remembered() {
    let ending = FlightEnding::Deleted;
    given::<Passengers>([closed(ending)])
        .when(check_in(ZOE))
        .then_rejected(PassengerRejection::ManifestClosed { ending });
}

#[test]
fn who_is_unknown_or_removed_is_not_found() {
    let removed = given::<Passengers>([checked_in(ZOE), closed(FlightEnding::Deleted), removed(ZOE)]);
    for given in [nothing(), removed] {
        for command in [correct_name(ZOE), board(ZOE), offload(ZOE)] {
            given.when(command).then_rejected(PassengerRejection::NotFound);
        }
        assert_eq!(status(&given, ZOE), None);
    }
}

#[test]
fn a_command_for_an_older_version_is_stale_before_any_rule_is_asked() {
    let stale = PassengerRejection::Stale { current: Revision(1) };
    for version in [0, 2, 3] {
        let if_version = || Some(Revision(version).into());
        let commands = [
            PassengerCommand::CorrectName { passenger_id: ZOE, name: text("Zoë"), if_version: if_version() },
            PassengerCommand::Board { passenger_id: ZOE, if_version: if_version() },
            PassengerCommand::Offload { passenger_id: ZOE, reason: text("no-show"), if_version: if_version() },
        ];
        for command in commands {
            departing().when(command).then_rejected(stale.clone());
        }
    }
}

#[test]
fn a_version_is_the_number_of_the_last_event_about_the_passenger_alone() {
    let given = given::<Passengers>([
        checked_in(ZOE),
        checked_in(MAX),
        name_corrected(ZOE),
        boarded(ZOE),
        offloaded(MAX),
        completed(1),
        sealed(1),
    ]);
    assert_eq!(given.state.passenger(&ZOE).unwrap().version, Revision(3));
    assert_eq!(given.state.passenger(&MAX).unwrap().version, Revision(4));
}

#[test]
fn a_complete_manifest_is_sealed_once() {
    zoe_on_board().when(SEAL).then_events([sealed(1)]);
    departing().when(SEAL).then_nothing();
    assert_eq!(departing().state.manifest(&FLIGHT).state(), ManifestState::Sealed);
}

#[test]
fn a_manifest_with_nobody_is_not_sealed() {
    nothing().when(SEAL).then_rejected(PassengerRejection::NotAllBoarded { missing: 0, passengers: vec![] });
}

#[test]
fn who_keeps_a_manifest_from_being_sealed_is_named() {
    zoe_on_board_max_missing()
        .when(SEAL)
        .then_rejected(PassengerRejection::NotAllBoarded { missing: 1, passengers: vec![missing(MAX)] });
}

#[test]
fn of_many_missing_the_first_fifty_are_named_and_all_are_counted() {
    let in_any_order = (1..=60).rev().map(passenger);
    let mut events: Vec<_> = in_any_order.map(checked_in).collect();
    events.extend([boarded(passenger(1)), offloaded(passenger(3))]);
    given::<Passengers>(events).when(SEAL).then_rejected(PassengerRejection::NotAllBoarded {
        missing: 58,
        passengers: [2].into_iter().chain(4..=52).map(passenger).map(missing).collect(),
    });
}

fn missing(id: PassengerId) -> MissingPassenger {
    MissingPassenger { id, name: "Zoë Ångström".to_owned() }
}

#[test]
fn rejections_do_not_carry_names_into_logs() {
    let message = |missing| PassengerRejection::NotAllBoarded { missing, passengers: vec![] }.to_string();
    assert_eq!(message(0), "nobody is on board");
    assert_eq!(message(1), "1 passenger has not boarded");
    assert_eq!(message(2), "2 passengers have not boarded");
    let rejection = PassengerRejection::NotAllBoarded { missing: 1, passengers: vec![missing(ZOE)] };
    for logged in [rejection.to_string(), format!("{rejection:?}"), format!("{:?}", check_in(ZOE))] {
        assert!(!logged.contains("Zoë"), "{logged}");
    }
}
