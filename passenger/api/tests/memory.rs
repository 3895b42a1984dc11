//! How much memory the write side takes, counted by an allocator that this program has for itself.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it measured")]

use std::alloc::System;
use std::time::Duration;

use flight_contract::FlightId;
use jiff::{SignedDuration, Timestamp};
use passenger_contract::{FlightEnding, PassengerId};
use passenger_core::{
    ManifestClosed, ManifestSealed, PassengerArrived, PassengerBoarded, PassengerCheckedIn, PassengerEvent,
    PassengerName, Passengers,
};
use shared_infrastructure::event_store::{AllPosition, Recorded};
use shared_infrastructure::ledger::{FORGET_AFTER, Ledger};
use shared_kernel::DomainEvent;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PASSENGERS_PER_FLIGHT: usize = 150;
/// One every three hours, so that the last 24 are remembered.
const FLIGHTS: usize = 240;
const HOURS_BETWEEN: i64 = 3;
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

fn flight(ledger: &mut Ledger<Passengers>, hour: i64) {
    let flight_id = FlightId::new(Uuid::now_v7());
    let passengers = [(); PASSENGERS_PER_FLIGHT].map(|()| PassengerId::new(Uuid::now_v7()));
    let name = PassengerName::new("Somebody of a usual name").unwrap();
    let check_in = |passenger_id| PassengerCheckedIn { flight_id, passenger_id, name: name.clone() };
    let mut fold = |event: PassengerEvent| {
        ledger.fold(&Recorded {
            stream: passenger_contract::STREAM.name.to_owned(),
            revision: ledger.next_revision(),
            position: AllPosition { commit: 0, prepare: 0 },
            event_id: Uuid::now_v7(),
            event_type: event.event_type().to_owned(),
            created: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour),
            data: event.encode().unwrap().into(),
            custom_metadata: br#"{"schemaVersion":1}"#.to_vec().into(),
        });
    };
    passengers.iter().for_each(|id| fold(PassengerEvent::CheckedIn(check_in(*id))));
    for &passenger_id in &passengers {
        fold(PassengerEvent::Boarded(PassengerBoarded { flight_id, passenger_id }));
    }
    fold(PassengerEvent::ManifestSealed(ManifestSealed { flight_id, boarded: PASSENGERS_PER_FLIGHT as u64 }));
    fold(PassengerEvent::ManifestClosed(ManifestClosed { flight_id, ending: FlightEnding::Landed }));
    for &passenger_id in &passengers {
        fold(PassengerEvent::Arrived(PassengerArrived { flight_id, passenger_id }));
    }
}

/// Bytes that a ledger takes after a third, two thirds and all of the flights.
fn bytes(forget_after: Duration) -> [usize; 3] {
    let region = Region::new(ALLOCATOR);
    let mut ledger = Ledger::<Passengers>::default().forgetting_after(forget_after);
    let mut hour = 0;
    [(); 3].map(|()| {
        for _ in 0..FLIGHTS / 3 {
            flight(&mut ledger, hour);
            hour += HOURS_BETWEEN;
        }
        let change = region.change();
        change.bytes_allocated - change.bytes_deallocated
    })
}

/// The only test here: others would allocate at the same time.
#[test]
fn a_flight_that_landed_long_ago_takes_next_to_nothing() {
    let (forgetting, remembering) = (bytes(FORGET_AFTER), bytes(NEVER));
    let per_passenger = remembering[2] / (FLIGHTS * PASSENGERS_PER_FLIGHT);
    let per_flight = (forgetting[2] - forgetting[0]) / (FLIGHTS * 2 / 3);
    eprintln!("without forgetting {remembering:?} bytes: {per_passenger} for each passenger");
    eprintln!("with forgetting {forgetting:?} bytes: {per_flight} for each flight, nothing for each passenger");
    assert!(per_passenger > 100, "what would be forgotten takes something");
    assert!(per_flight < 100, "{per_flight} bytes for each forgotten flight");
}
