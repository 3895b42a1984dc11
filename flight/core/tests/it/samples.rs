use flight_contract::FlightId;
use flight_core::{
    FlightAllBoarded, FlightBoardingReopened, FlightCreated, FlightDeleted, FlightDetails, FlightDetailsCorrected,
    FlightDisembarked, FlightEvent, FlightLanded,
};
use shared_kernel::{Revision, Text};
use uuid::uuid;

/// The flight that most tests are about.
pub(crate) const FLIGHT: FlightId = FlightId::new(uuid!("01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01"));

pub(crate) fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).expect("a valid text")
}

pub(crate) fn details() -> FlightDetails {
    FlightDetails {
        flight_number: text("JB 101"),
        origin: text("ZRH"),
        destination: text("São Tomé"),
        scheduled_departure: Some("2026-05-01T12:30:00+14:00".parse().expect("a valid time")),
    }
}

pub(crate) fn other_details() -> FlightDetails {
    FlightDetails {
        flight_number: text("JB 102"),
        origin: text("Zürich"),
        destination: text("TMS"),
        scheduled_departure: None,
    }
}

/// A flight that was announced when the offset of a departure was not stored.
pub(crate) fn created_v1() -> FlightEvent {
    let scheduled_departure = Some("2026-05-04T06:15:00Z".parse().expect("a valid time"));
    let details = FlightDetails { scheduled_departure, ..details() }.into();
    FlightEvent::Created(FlightCreated { flight_id: FLIGHT, details })
}

pub(crate) fn created() -> FlightEvent {
    FlightEvent::Created(FlightCreated { flight_id: FLIGHT, details: details().into() })
}

pub(crate) fn details_corrected() -> FlightEvent {
    FlightEvent::DetailsCorrected(FlightDetailsCorrected { flight_id: FLIGHT, details: other_details().into() })
}

pub(crate) fn all_boarded(manifest_revision: u64) -> FlightEvent {
    FlightEvent::AllBoarded(FlightAllBoarded { flight_id: FLIGHT, manifest_revision: Revision(manifest_revision) })
}

pub(crate) fn boarding_reopened(manifest_revision: u64) -> FlightEvent {
    FlightEvent::BoardingReopened(FlightBoardingReopened {
        flight_id: FLIGHT,
        manifest_revision: Revision(manifest_revision),
    })
}

pub(crate) fn departed() -> FlightEvent {
    FlightEvent::Departed(FlightDisembarked { flight_id: FLIGHT })
}

pub(crate) fn landed() -> FlightEvent {
    FlightEvent::Landed(FlightLanded { flight_id: FLIGHT })
}

pub(crate) fn deleted() -> FlightEvent {
    FlightEvent::Deleted(FlightDeleted { flight_id: FLIGHT })
}
