//! What the rules do not allow is noticed in a stream, whoever has written it.

use passenger_contract::FlightEnding;
use passenger_core::{PassengerEvent, Passengers, is_legal};
use shared_kernel::testing::History;

use crate::samples::{
    MAX, ZOE, arrived, boarded, checked_in, closed, completed, name_corrected, offloaded, removed, reopened, sealed,
};

fn after(events: &[PassengerEvent]) -> History<Passengers> {
    let mut history = History::default();
    history.append(events.iter().cloned());
    history
}

#[test]
fn an_event_that_no_command_leads_to_is_illegal() {
    let missing = vec![checked_in(ZOE)];
    let on_board = vec![checked_in(ZOE), boarded(ZOE), completed(1)];
    let departing = [on_board.clone(), vec![sealed(1)]].concat();
    let ended = |ending| [departing.clone(), vec![closed(ending)]].concat();
    let (has_landed, was_deleted) = (ended(FlightEnding::Landed), ended(FlightEnding::Deleted));
    for (before, event) in [
        (&vec![], boarded(ZOE)),
        (&vec![], sealed(0)),
        (&missing, checked_in(ZOE)),
        (&missing, boarded(MAX)),
        (&missing, completed(1)),
        (&missing, sealed(1)),
        (&missing, removed(ZOE)),
        (&missing, reopened(2)),
        (&on_board, boarded(ZOE)),
        (&on_board, completed(2)),
        (&on_board, reopened(0)),
        (&on_board, sealed(2)),
        (&on_board, arrived(ZOE)),
        (&departing, checked_in(MAX)),
        (&departing, offloaded(ZOE)),
        (&departing, name_corrected(ZOE)),
        (&departing, sealed(1)),
        (&has_landed, removed(ZOE)),
        (&has_landed, closed(FlightEnding::Landed)),
        (&was_deleted, arrived(ZOE)),
        (&was_deleted, closed(FlightEnding::Landed)),
        (&was_deleted, checked_in(MAX)),
    ] {
        assert!(is_legal(&after(before).state, &event).is_err(), "{event:?} after {before:?}");
    }
}
