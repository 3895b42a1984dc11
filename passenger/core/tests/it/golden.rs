//! The stored format. A golden file never changes: events that were stored so have to be readable for ever.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use passenger_core::{Ending, ManifestState, PassengerEvent, PassengerStatus};
use shared_kernel::{DomainEvent, UndecodableEvent};

use crate::samples::{
    ZOE, arrived, boarded, checked_in, closed, completed, name_corrected, offloaded, removed, reopened, sealed,
};

fn samples() -> [PassengerEvent; 10] {
    [
        checked_in(ZOE),
        name_corrected(ZOE),
        boarded(ZOE),
        offloaded(ZOE),
        arrived(ZOE),
        removed(ZOE),
        completed(2),
        reopened(1),
        sealed(2),
        closed(Ending::Landed),
    ]
}

fn golden_directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn golden(event_type: &str) -> String {
    let path = golden_directory().join(event_type).with_extension("json");
    let json = fs::read_to_string(path).expect("a golden file");
    json.trim_end().to_owned()
}

#[test]
fn events_are_stored_as_in_the_golden_files() {
    for event in samples() {
        assert_eq!(event.schema_version(), 1);
        assert_eq!(String::from_utf8(event.encode().unwrap()).unwrap(), golden(event.event_type()));
    }
}

#[test]
fn golden_files_are_read_as_the_events_they_are() {
    for event in samples() {
        let read = PassengerEvent::decode(event.event_type(), 1, golden(event.event_type()).as_bytes());
        assert_eq!(read, Ok(event));
    }
}

#[test]
fn every_event_type_has_a_golden_file_and_a_sample() {
    let types = BTreeSet::from(PassengerEvent::TYPES.map(str::to_owned));
    let files: BTreeSet<String> = fs::read_dir(golden_directory())
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let sampled = BTreeSet::from(samples().map(|event| event.event_type().to_owned()));
    assert_eq!(files, types);
    assert_eq!(sampled, types);
}

#[test]
fn data_that_a_newer_version_added_is_ignored() {
    for event in samples() {
        let newer = golden(event.event_type()).replacen('{', r#"{"seat":{"row":[7]},"#, 1);
        assert_eq!(PassengerEvent::decode(event.event_type(), 1, newer.as_bytes()), Ok(event));
    }
}

#[test]
fn a_manifest_is_closed_by_a_landing_or_a_deletion() {
    let deleted = golden("ManifestClosed").replace("landed", "deleted");
    assert_eq!(PassengerEvent::decode("ManifestClosed", 1, deleted.as_bytes()), Ok(closed(Ending::Deleted)));
    assert_eq!(closed(Ending::Deleted).encode().unwrap(), deleted.as_bytes());
}

#[test]
fn what_is_unknown_is_named() {
    assert_eq!(
        PassengerEvent::decode("PassengerUpgraded", 1, b"{}"),
        Err(UndecodableEvent::UnknownType("PassengerUpgraded".to_owned()))
    );
    for version in [0, 2, u32::MAX] {
        for event_type in PassengerEvent::TYPES {
            assert_eq!(
                PassengerEvent::decode(event_type, version, golden(event_type).as_bytes()),
                Err(UndecodableEvent::UnknownVersion { event_type: event_type.to_owned(), version })
            );
        }
    }
}

#[test]
fn malformed_data_is_refused() {
    for event_type in PassengerEvent::TYPES {
        for data in ["", "null", "[]", "{}", r#"{"flightId":"JB 101"}"#] {
            let read = PassengerEvent::decode(event_type, 1, data.as_bytes());
            assert!(matches!(read, Err(UndecodableEvent::Malformed { .. })), "{event_type} {data}: {read:?}");
        }
    }
}

#[test]
fn statuses_have_one_text_form() {
    for status in PassengerStatus::ALL {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        assert_eq!(status.as_str().parse(), Ok(status));
        assert_eq!(status.to_string(), status.as_str());
    }
    assert!("onBoard".parse::<PassengerStatus>().is_err());
    for ending in [Ending::Landed, Ending::Deleted] {
        assert_eq!(serde_json::to_value(ending).unwrap(), ending.as_str());
    }
    let states = [ManifestState::Open, ManifestState::Sealed, ManifestState::Closed(Ending::Deleted)];
    assert_eq!(states.map(ManifestState::as_str), ["open", "sealed", "closed"]);
}
