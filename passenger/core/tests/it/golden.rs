//! What is stored of events.

use passenger_contract::FlightEnding;
use passenger_core::{ManifestState, PassengerEvent, PassengerStatus, Passengers};
use shared_kernel::DomainEvent;
use shared_kernel::testing::{GoldenFiles, assert_golden_state, assert_one_text_form};

use crate::samples::{
    MAX, ZOE, arrived, boarded, checked_in, closed, completed, name_corrected, offloaded, removed, reopened, sealed,
};

fn golden_files() -> GoldenFiles<PassengerEvent> {
    GoldenFiles::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"))
}

/// What the golden file of each version is read as.
fn events() -> [(u32, PassengerEvent); 10] {
    [
        (1, checked_in(ZOE)),
        (1, name_corrected(ZOE)),
        (1, boarded(ZOE)),
        (1, offloaded(ZOE)),
        (1, arrived(ZOE)),
        (1, removed(ZOE)),
        (1, completed(2)),
        (1, reopened(1)),
        (1, sealed(2)),
        (1, closed(FlightEnding::Landed)),
    ]
}

#[test]
fn events_are_read_and_stored_as_in_their_golden_files() {
    golden_files().assert_hold(PassengerEvent::VERSIONS, &events());
}

#[test]
fn events_lead_to_the_states_of_the_golden_file() {
    let events = [
        checked_in(ZOE),
        name_corrected(ZOE),
        checked_in(MAX),
        boarded(ZOE),
        offloaded(MAX),
        completed(1),
        reopened(0),
        sealed(1),
        closed(FlightEnding::Landed),
        arrived(ZOE),
        closed(FlightEnding::Deleted),
        removed(MAX),
        removed(ZOE),
    ];
    assert_golden_state::<Passengers>(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden_state"), events);
}

#[test]
fn a_manifest_is_closed_by_a_landing_or_a_deletion() {
    let deleted = golden_files().data("ManifestClosed", 1).replace("landed", "deleted");
    assert_eq!(PassengerEvent::decode("ManifestClosed", 1, deleted.as_bytes()), Ok(closed(FlightEnding::Deleted)));
    assert_eq!(closed(FlightEnding::Deleted).encode().unwrap(), deleted.as_bytes());
}

#[test]
fn statuses_have_one_text_form() {
    assert_one_text_form(PassengerStatus::ALL, |status| status.as_str());
    assert!("onBoard".parse::<PassengerStatus>().is_err());
    for ending in [FlightEnding::Landed, FlightEnding::Deleted] {
        assert_eq!(serde_json::to_value(ending).unwrap(), ending.as_str());
    }
    let states = [ManifestState::Open, ManifestState::Sealed, ManifestState::Closed(FlightEnding::Deleted)];
    assert_eq!(states.map(ManifestState::as_str), ["open", "sealed", "closed"]);
}
