//! What the write side holds takes only so many bytes for each flight, each passenger and each idempotency key. They are
//! counted as they are asked for from the allocator, which may round them up.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it measured")]

use std::alloc::System;

use flight_contract::FlightId;
use flight_core::{FlightCreated, FlightDetails, FlightEvent, FlightNumber, Flights, OffsetDateTime, PlaceName};
use jiff::{SignedDuration, Timestamp};
use passenger_contract::PassengerId;
use passenger_core::{PassengerCheckedIn, PassengerEvent, PassengerName, Passengers};
use shared_infrastructure::event_store::{AllPosition, EventMetadata, Recorded};
use shared_infrastructure::ledger::Ledger;
use shared_kernel::{Cause, CommandContext, Decider, DomainEvent, Idempotency, IdempotencyKey, Revision};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FLIGHTS: u64 = 7_000;
/// How many of them passengers are counted for.
const FILLED: u64 = 50;
/// As many as there are on a flight in the airport of the demo.
const PASSENGERS_OF_A_FLIGHT: u64 = 120;

/// At most so many bytes; a tenth above what it was when that was written.
const BOUNDS: [(&str, f64); 3] = [("flight", 225.0), ("key", 245.0), ("passenger", 270.0)];

/// The bytes that each of these events leaves in the state, or each idempotency key if they have one.
fn held<D: Decider>(events: impl Iterator<Item = D::Event>, with_keys: bool) -> f64 {
    let mut ledger = Ledger::<D>::default();
    let began: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
    let region = Region::new(ALLOCATOR);
    let mut number = 0;
    for event in events {
        let command_id = Uuid::now_v7();
        let cause = Cause {
            correlation_id: command_id.to_string(),
            causation_id: None,
            actor: "anonymous".to_owned(),
            subject: None,
            trace_parent: None,
            step_of: None,
        };
        let context =
            CommandContext { idempotency: with_keys.then(idempotency), ..CommandContext::caused_by(command_id, cause) };
        let metadata = EventMetadata::of(&context, event.schema_version());
        ledger.fold(&Recorded {
            stream: "a-stream".to_owned(),
            revision: Revision(number),
            position: AllPosition { commit: number, prepare: number },
            event_id: Uuid::now_v7(),
            event_type: event.event_type().to_owned(),
            created: began + SignedDuration::from_micros(number.try_into().unwrap()),
            data: event.encode().unwrap().into(),
            custom_metadata: serde_json::to_vec(&metadata).unwrap().into(),
        });
        number += 1;
    }
    let change = region.change();
    let held = change.bytes_allocated as i64 - change.bytes_deallocated as i64;
    held as f64 / number as f64
}

fn idempotency() -> Idempotency {
    // As long as those of the web client and of `jetbridge`.
    let key = IdempotencyKey::new(&Uuid::now_v7().to_string()).unwrap();
    Idempotency::new(key, format!("{:064x}", Uuid::now_v7().as_u128()))
}

fn created(number: u64) -> FlightEvent {
    FlightEvent::Created(FlightCreated {
        flight_id: FlightId::new(Uuid::now_v7()),
        details: FlightDetails {
            flight_number: FlightNumber::new(&format!("JB {number}")).unwrap(),
            origin: PlaceName::new("LHR").unwrap(),
            destination: PlaceName::new("San Francisco").unwrap(),
            scheduled_departure: Some(OffsetDateTime::utc("2026-05-01T12:00:00Z".parse().unwrap())),
        }
        .into(),
    })
}

fn checked_in(number: u64, flights: &[FlightId]) -> PassengerEvent {
    PassengerEvent::CheckedIn(PassengerCheckedIn {
        passenger_id: PassengerId::new(Uuid::now_v7()),
        flight_id: flights[usize::try_from(number).unwrap() % flights.len()],
        name: PassengerName::new("Anna-Lena Lindström").unwrap(),
    })
}

#[test]
fn what_is_held_is_small() {
    let flight = held::<Flights>((0..FLIGHTS).map(created), false);
    let key = held::<Flights>((0..FLIGHTS).map(created), true) - flight;
    let flights: Vec<_> = (0..FILLED).map(|_| FlightId::new(Uuid::now_v7())).collect();
    let passengers = 0..PASSENGERS_OF_A_FLIGHT * FILLED;
    let passenger = held::<Passengers>(passengers.map(|number| checked_in(number, &flights)), false);
    for ((what, bound), held) in BOUNDS.into_iter().zip([flight, key, passenger]) {
        eprintln!("{what}: {held:.0} bytes");
        assert!(held <= bound, "a {what} takes {held:.0} bytes of memory, and may take {bound}");
    }
}
