//! What the table of flights holds.

use flight_contract::FlightId;
use flight_core::{
    FlightAllBoarded, FlightBoardingReopened, FlightCreated, FlightDeleted, FlightDetails, FlightDetailsCorrected,
    FlightDisembarked, FlightEvent, FlightLanded, FlightNumber, PlaceName,
};
use serde_json::json;
use shared_infrastructure::reader::Numbered;
use shared_kernel::Revision;
use uuid::Uuid;

use crate::support::Tables;

fn details(flight_number: &str, departure: Option<&str>) -> FlightDetails {
    FlightDetails {
        flight_number: FlightNumber::new(flight_number).unwrap(),
        origin: PlaceName::new("ZRH").unwrap(),
        destination: PlaceName::new("São Tomé").unwrap(),
        scheduled_departure: departure.map(|departure| departure.parse().unwrap()),
    }
}

/// Some of everything that can happen to these flights.
fn history([one, two, three, four]: [FlightId; 4]) -> Vec<Numbered<FlightEvent>> {
    let created =
        |flight_id, details: FlightDetails| FlightEvent::Created(FlightCreated { flight_id, details: details.into() });
    let corrected = |flight_id, details: FlightDetails| {
        FlightEvent::DetailsCorrected(FlightDetailsCorrected { flight_id, details: details.into() })
    };
    let all_boarded =
        |flight_id| FlightEvent::AllBoarded(FlightAllBoarded { flight_id, manifest_revision: Revision(1) });
    let events = [
        created(one, details("JB 1", Some("2026-05-01T12:30:00+14:00"))),
        created(two, details("JB 2", None)),
        all_boarded(one),
        created(three, details("JB 3", None)),
        corrected(two, details("JB 22", Some("2026-05-01T12:30:00.000001-00:30"))),
        created(four, details("JB 4", None)),
        FlightEvent::Departed(FlightDisembarked { flight_id: one }),
        all_boarded(two),
        FlightEvent::Deleted(FlightDeleted { flight_id: three }),
        FlightEvent::Landed(FlightLanded { flight_id: one }),
        FlightEvent::BoardingReopened(FlightBoardingReopened { flight_id: two, manifest_revision: Revision(2) }),
        corrected(four, details("JB 44", None)),
    ];
    events.into_iter().zip(0..).map(|(event, number)| Numbered { event, revision: Revision(number) }).collect()
}

/// However the events are divided into batches, and if they are projected once more.
#[tokio::test]
async fn rows_hold_what_the_events_say() {
    let ids = [(); 4].map(|()| FlightId::new(Uuid::now_v7()));
    let history = history(ids);
    let row = |id: FlightId, number: &str, departure: Option<(&str, i16)>, status: &str, version: u64| {
        json!({
            "id": id,
            "flight_number": number,
            "origin": "ZRH",
            "destination": "São Tomé",
            "scheduled_departure": departure.map(|(at, _)| at),
            "scheduled_departure_offset": departure.map_or(0, |(_, offset)| offset),
            "status": status,
            "version": version,
            "search": format!("\u{1} {} \n zrh \n são tomé \n sao tome ", number.to_lowercase()),
        })
    };
    let expected = [
        row(ids[0], "JB 1", Some(("2026-04-30T22:30:00+00:00", 14 * 60)), "arrived", 9),
        row(ids[1], "JB 22", Some(("2026-05-01T13:00:00.000001+00:00", -30)), "waitingForBoarding", 10),
        row(ids[3], "JB 44", None, "waitingForBoarding", 11),
    ];
    for size in 1..=history.len() {
        let tables = Tables::create().await;
        for batch in history.chunks(size) {
            tables.project(batch).await;
        }
        assert_eq!(tables.0.rows("flights", "id").await, expected, "in batches of {size}");
        tables.project(&history).await;
        assert_eq!(tables.0.rows("flights", "id").await, expected, "in batches of {size}, and again");
    }
}
