//! What the end of a flight does to its manifest.

use passenger_contract::{FlightEnding, PassengerId};
use passenger_core::{
    MAX_CLOSED_PER_COMMAND, ManifestState, PassengerEvent, PassengerRejection, PassengerState, PassengerStatus,
    Passengers,
};
use shared_kernel::testing::given;
use shared_kernel::{Decider, Revision};

use crate::samples::{
    FLIGHT, MAX, ZOE, arrived, boarded, check_in, checked_in, close, closed, completed, offloaded, passenger, removed,
    sealed,
};

const LENA: PassengerId = passenger(3);

/// Zoë and Lena departed, Max was left behind.
fn departed() -> Vec<PassengerEvent> {
    vec![
        checked_in(LENA),
        checked_in(ZOE),
        checked_in(MAX),
        boarded(LENA),
        boarded(ZOE),
        offloaded(MAX),
        completed(2),
        sealed(2),
    ]
}

fn landed() -> Vec<PassengerEvent> {
    [departed(), vec![closed(FlightEnding::Landed), arrived(ZOE), arrived(LENA)]].concat()
}

/// What comes of the deletion of a flight with the three.
fn deletion() -> Vec<PassengerEvent> {
    vec![closed(FlightEnding::Deleted), removed(ZOE), removed(MAX), removed(LENA)]
}

fn deleted() -> Vec<PassengerEvent> {
    [departed(), deletion()].concat()
}

#[test]
fn those_on_board_of_a_landed_flight_arrive() {
    given::<Passengers>(departed()).when(close(FlightEnding::Landed)).then_events([
        closed(FlightEnding::Landed),
        arrived(ZOE),
        arrived(LENA),
    ]);
    let state = given::<Passengers>(landed()).state;
    assert_eq!(state.passenger(&ZOE).unwrap().status, PassengerStatus::Arrived);
    assert_eq!(state.passenger(&MAX).unwrap().status, PassengerStatus::Offloaded);
}

#[test]
fn all_passengers_of_a_deleted_flight_are_removed() {
    given::<Passengers>(departed()).when(close(FlightEnding::Deleted)).then_events(deletion());
    given::<Passengers>([checked_in(ZOE)])
        .when(close(FlightEnding::Deleted))
        .then_events([closed(FlightEnding::Deleted), removed(ZOE)]);
    let state = given::<Passengers>(deleted()).state;
    assert_eq!(state.manifest(&FLIGHT).passengers().count(), 0);
    assert_eq!(state.passenger(&MAX), None);
}

#[test]
fn a_flight_may_be_deleted_after_it_landed() {
    given::<Passengers>(landed()).when(close(FlightEnding::Deleted)).then_events(deletion());
}

#[test]
fn closing_a_closed_manifest_does_nothing() {
    given::<Passengers>(landed()).when(close(FlightEnding::Landed)).then_nothing();
    given::<Passengers>(deleted()).when(close(FlightEnding::Deleted)).then_nothing();
}

#[test]
fn a_landing_does_nothing_to_the_manifest_of_a_deleted_flight() {
    given::<Passengers>(deleted()).when(close(FlightEnding::Landed)).then_nothing();
    let unfinished = [departed(), vec![closed(FlightEnding::Deleted)]].concat();
    given::<Passengers>(unfinished).when(close(FlightEnding::Landed)).then_nothing();
}

#[test]
fn a_manifest_without_passengers_is_closed_as_well() {
    for ending in [FlightEnding::Landed, FlightEnding::Deleted] {
        given::<Passengers>([]).when(close(ending)).then_events([closed(ending)]);
        given::<Passengers>([closed(ending)]).when(close(ending)).then_nothing();
    }
}

#[test]
fn closing_goes_on_where_it_stopped() {
    let unfinished = [departed(), vec![closed(FlightEnding::Landed), arrived(ZOE)]].concat();
    given::<Passengers>(unfinished).when(close(FlightEnding::Landed)).then_events([arrived(LENA)]);
    let unfinished = [departed(), vec![closed(FlightEnding::Deleted), removed(ZOE)]].concat();
    given::<Passengers>(unfinished).when(close(FlightEnding::Deleted)).then_events([removed(MAX), removed(LENA)]);
}

#[test]
fn a_large_manifest_closes_first_and_is_then_emptied_in_portions() {
    const PASSENGERS: usize = 2 * MAX_CLOSED_PER_COMMAND + 201;
    for ending in [FlightEnding::Landed, FlightEnding::Deleted] {
        let mut state = large_manifest(PASSENGERS);
        let mut portions = Vec::new();
        while !state.manifest(&FLIGHT).is_finished(ending) {
            assert!(portions.len() < 3, "closing does not get on");
            let events = Passengers::decide(&state, &close(ending)).unwrap();
            let first = events.first().expect("something is left to do");
            assert_eq!(Passengers::subject_of_event(first), Passengers::subject(&close(ending)));
            fold(&mut state, &events);
            portions.push(events.len());
            assert_eq!(state.manifest(&FLIGHT).state(), ManifestState::Closed(ending));
            assert_eq!(
                Passengers::decide(&state, &check_in(passenger(1_000_000))),
                Err(PassengerRejection::ManifestClosed { ending })
            );
        }
        assert_eq!(portions, [1 + MAX_CLOSED_PER_COMMAND, MAX_CLOSED_PER_COMMAND, 201]);
        assert_eq!(Passengers::decide(&state, &close(ending)), Ok(vec![]));
    }
}

fn large_manifest(passengers: usize) -> PassengerState {
    let ids = (1..=passengers as u128).map(passenger);
    let events: Vec<_> = ids.flat_map(|id| [checked_in(id), boarded(id)]).collect();
    given::<Passengers>(events).state
}

fn fold(state: &mut PassengerState, events: &[PassengerEvent]) {
    for event in events {
        Passengers::evolve(state, event, Revision(1_000_000));
    }
}
