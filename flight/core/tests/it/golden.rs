//! The stored format. A golden file never changes: events that were stored so have to be readable for ever.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use flight_core::{FlightEvent, FlightStatus};
use shared_kernel::{DomainEvent, UndecodableEvent};

use crate::samples::{
    all_boarded, boarding_reopened, created, deleted, details_corrected, disembarked, landed, other_details,
};

fn samples() -> [FlightEvent; 7] {
    [created(), details_corrected(), all_boarded(41), boarding_reopened(42), disembarked(), landed(), deleted()]
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
        let read = FlightEvent::decode(event.event_type(), 1, golden(event.event_type()).as_bytes());
        assert_eq!(read, Ok(event));
    }
}

#[test]
fn every_event_type_has_a_golden_file_and_a_sample() {
    let types = BTreeSet::from(FlightEvent::TYPES.map(str::to_owned));
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
        let newer = golden(event.event_type()).replacen('{', r#"{"gate":{"pier":["B"]},"#, 1);
        assert_eq!(FlightEvent::decode(event.event_type(), 1, newer.as_bytes()), Ok(event));
    }
}

#[test]
fn a_departure_that_was_not_stored_is_not_scheduled() {
    let without = golden("FlightDetailsCorrected").replace(r#","scheduledDeparture":null"#, "");
    let Ok(FlightEvent::DetailsCorrected(event)) = FlightEvent::decode("FlightDetailsCorrected", 1, without.as_bytes())
    else {
        panic!("not read as a correction");
    };
    assert_eq!(event.details, other_details());
}

#[test]
fn what_is_unknown_is_named() {
    assert_eq!(
        FlightEvent::decode("FlightDiverted", 1, b"{}"),
        Err(UndecodableEvent::UnknownType("FlightDiverted".to_owned()))
    );
    for version in [0, 2, u32::MAX] {
        for event_type in FlightEvent::TYPES {
            assert_eq!(
                FlightEvent::decode(event_type, version, golden(event_type).as_bytes()),
                Err(UndecodableEvent::UnknownVersion { event_type: event_type.to_owned(), version })
            );
        }
    }
}

#[test]
fn malformed_data_is_refused() {
    for event_type in FlightEvent::TYPES {
        for data in ["", "null", "[]", "{}", r#"{"flightId":"JB 101"}"#] {
            let read = FlightEvent::decode(event_type, 1, data.as_bytes());
            assert!(matches!(read, Err(UndecodableEvent::Malformed { .. })), "{event_type} {data}: {read:?}");
        }
    }
}

#[test]
fn statuses_have_one_text_form() {
    for status in FlightStatus::ALL {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        assert_eq!(status.as_str().parse(), Ok(status));
        assert_eq!(status.to_string(), status.as_str());
    }
    assert!("boarding".parse::<FlightStatus>().is_err());
}
