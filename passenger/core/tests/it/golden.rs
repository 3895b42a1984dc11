//! What is stored of events.

use passenger_contract::FlightEnding;
use passenger_core::{ManifestState, PassengerEvent, PassengerStatus};
use shared_kernel::DomainEvent;
use shared_kernel::testing::GoldenFiles;

use crate::samples::{
    ZOE, arrived, boarded, checked_in, closed, completed, name_corrected, offloaded, removed, reopened, sealed,
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
fn every_version_of_every_event_has_its_golden_file() {
    golden_files().assert_complete(PassengerEvent::VERSIONS);
}

#[test]
fn golden_files_are_read_as_the_events_they_are() {
    golden_files().assert_read_as(&events());
}

#[test]
fn events_are_stored_as_in_the_golden_files() {
    golden_files().assert_stored_as(&events());
}

#[test]
fn data_that_a_newer_version_added_is_ignored() {
    golden_files().assert_additions_are_ignored();
}

#[test]
fn what_is_unknown_or_malformed_is_named() {
    golden_files().assert_faults_are_named();
}

#[test]
fn a_manifest_is_closed_by_a_landing_or_a_deletion() {
    let deleted = golden_files().data("ManifestClosed", 1).replace("landed", "deleted");
    assert_eq!(PassengerEvent::decode("ManifestClosed", 1, deleted.as_bytes()), Ok(closed(FlightEnding::Deleted)));
    assert_eq!(closed(FlightEnding::Deleted).encode().unwrap(), deleted.as_bytes());
}

#[test]
fn statuses_have_one_text_form() {
    for status in PassengerStatus::ALL.iter().copied() {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        assert_eq!(status.as_str().parse(), Ok(status));
        assert_eq!(status.to_string(), status.as_str());
    }
    assert!("onBoard".parse::<PassengerStatus>().is_err());
    for ending in [FlightEnding::Landed, FlightEnding::Deleted] {
        assert_eq!(serde_json::to_value(ending).unwrap(), ending.as_str());
    }
    let states = [ManifestState::Open, ManifestState::Sealed, ManifestState::Closed(FlightEnding::Deleted)];
    assert_eq!(states.map(ManifestState::as_str), ["open", "sealed", "closed"]);
}
