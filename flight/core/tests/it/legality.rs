//! What the rules do not allow is noticed in a stream, whoever has written it.

use flight_core::{FlightEvent, Flights, is_legal};
use shared_kernel::testing::History;

use crate::samples::{all_boarded, boarding_reopened, created, deleted, departed, details_corrected, landed};

fn after(events: &[FlightEvent]) -> History<Flights> {
    let mut history = History::default();
    history.append(events.iter().cloned());
    history
}

#[test]
fn an_event_that_no_command_leads_to_is_illegal() {
    let (at_gate, in_the_air) = (vec![created()], vec![created(), departed()]);
    let on_the_ground = vec![created(), departed(), landed()];
    for (before, event) in [
        (&vec![], details_corrected()),
        (&vec![], all_boarded(1)),
        (&vec![], departed()),
        (&vec![], deleted()),
        (&at_gate, created()),
        (&at_gate, landed()),
        (&in_the_air, details_corrected()),
        (&in_the_air, boarding_reopened(9)),
        (&in_the_air, departed()),
        (&in_the_air, deleted()),
        (&on_the_ground, landed()),
        (&on_the_ground, all_boarded(9)),
        (&vec![created(), all_boarded(5)], boarding_reopened(5)),
        (&vec![created(), deleted()], departed()),
    ] {
        assert!(is_legal(&after(before).state, &event).is_err(), "{event:?} after {before:?}");
    }
}
