//! What is stored of events.

use flight_core::{FlightCreated, FlightDetails, FlightEvent, FlightStatus, Flights, OffsetDateTime};
use shared_kernel::DomainEvent;
use shared_kernel::testing::{GoldenFiles, assert_golden_state, assert_one_text_form};

use crate::samples::{
    FLIGHT, all_boarded, boarding_reopened, created, created_v1, deleted, departed, details, details_corrected, landed,
};

fn golden_files() -> GoldenFiles<FlightEvent> {
    GoldenFiles::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"))
}

/// What the golden file of each version is read as.
fn events() -> [(u32, FlightEvent); 9] {
    [
        (1, created_v1()),
        (2, created()),
        (1, details_corrected()),
        (2, details_corrected()),
        (1, all_boarded(41)),
        (1, boarding_reopened(42)),
        (1, departed()),
        (1, landed()),
        (1, deleted()),
    ]
}

#[test]
fn events_are_read_and_stored_as_in_their_golden_files() {
    golden_files().assert_hold(FlightEvent::VERSIONS, &events());
}

#[test]
fn events_lead_to_the_states_of_the_golden_file() {
    let events = events().into_iter().map(|(_, event)| event);
    assert_golden_state::<Flights>(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden_state"), events);
}

#[test]
fn a_departure_that_was_not_stored_is_not_scheduled() {
    for version in [1, 2] {
        let with_null = golden_files().data("FlightDetailsCorrected", version).to_owned();
        let without = with_null.replace(r#","scheduledDeparture":null"#, "");
        assert_ne!(without, with_null);
        let read = FlightEvent::decode("FlightDetailsCorrected", version, without.as_bytes());
        assert_eq!(read, Ok(details_corrected()));
    }
}

#[test]
fn a_departure_is_stored_with_the_offset_it_was_given_with() {
    for (given, stored) in [
        ("2026-05-01T12:30:00+14:00", "2026-05-01T12:30:00+14:00"),
        ("2026-05-01T12:30:00.000001-00:30", "2026-05-01T12:30:00.000001-00:30"),
        ("1970-01-01T00:00:00+23:59", "1970-01-01T00:00:00+23:59"),
        ("2199-12-31T23:59:59.999999-23:59", "2199-12-31T23:59:59.999999-23:59"),
        ("2026-05-01T12:30:00Z", "2026-05-01T12:30:00Z"),
        // RFC 3339 has one form for a time in UTC, and none for offsets that are longer or finer.
        ("2026-05-01T12:30:00+00:00", "2026-05-01T12:30:00Z"),
        ("2026-05-01T12:30:00+01:00:30", "2026-05-01T11:29:30Z"),
        ("2026-05-02T12:30:00+25:00", "2026-05-01T11:30:00Z"),
    ] {
        let scheduled_departure: OffsetDateTime = given.parse().unwrap();
        let details = FlightDetails { scheduled_departure: Some(scheduled_departure), ..details() };
        let event = FlightEvent::Created(FlightCreated { flight_id: FLIGHT, details: details.into() });
        let data = event.encode().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&data).unwrap();
        assert_eq!(json["scheduledDeparture"], stored);
        assert_eq!(FlightEvent::decode("FlightCreated", 2, &data), Ok(event));
        assert_eq!(scheduled_departure.timestamp(), given.parse().unwrap(), "{given} is the same point in time");
    }
}

#[test]
fn statuses_have_one_text_form() {
    assert_one_text_form(FlightStatus::ALL, |status| status.as_str());
    assert!("boarding".parse::<FlightStatus>().is_err());
}
