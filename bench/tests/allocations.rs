//! What is done for every event and every command takes only so many allocations, and bytes in them. They are counted, not
//! timed, so that a busy machine changes nothing.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it measured")]

use std::alloc::System;
use std::fmt::Write as _;

use flight_contract::FlightId;
use flight_core::{FlightCommand, FlightDetails, FlightEvent, FlightNumber, FlightState, Flights, PlaceName};
use flight_infrastructure::FlightProjection;
use jetbridge_testing::TestDatabase;
use passenger_contract::PassengerId;
use passenger_core::{PassengerCommand, PassengerName, PassengerState, Passengers};
use shared_infrastructure::reader::Numbered;
use shared_infrastructure::testing;
use shared_kernel::{Decider, DomainEvent, Revision};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often each is done: what happens now and then is shared by all of them.
const TIMES: u64 = 2_000;
/// What is in the state before, so that it has the depth that it has at work.
const BEFORE: u64 = 10_000;

/// At most so many allocations, and so many bytes in them, each time; a fifth above what it was when that was written.
struct Bound {
    what: &'static str,
    allocations: f64,
    bytes: f64,
}

const BOUNDS: &[Bound] = &[
    Bound { what: "flight decide", allocations: 1.2, bytes: 155.0 },
    Bound { what: "flight encode", allocations: 2.4, bytes: 340.0 },
    Bound { what: "flight decode", allocations: 1.2, bytes: 310.0 },
    Bound { what: "flight evolve", allocations: 1.4, bytes: 250.0 },
    Bound { what: "flight project", allocations: 53.0, bytes: 1700.0 },
    Bound { what: "passenger decide", allocations: 1.2, bytes: 100.0 },
    Bound { what: "passenger encode", allocations: 2.4, bytes: 340.0 },
    Bound { what: "passenger decode", allocations: 1.2, bytes: 50.0 },
    Bound { what: "passenger evolve", allocations: 1.5, bytes: 240.0 },
];

/// What was counted, and what is wrong with it.
#[derive(Default)]
struct Counts {
    wrong: String,
    counted: Vec<&'static str>,
}

impl Counts {
    /// Counts what this takes, which is done [`TIMES`] times by it.
    fn count<T>(&mut self, what: &'static str, act: impl FnOnce() -> T) -> T {
        let region = Region::new(ALLOCATOR);
        let outcome = act();
        self.note(what, &region);
        outcome
    }

    fn note(&mut self, what: &'static str, region: &Region<System>) {
        let change = region.change();
        let each = |number: usize| number as f64 / TIMES as f64;
        let allocations = each(change.allocations + change.reallocations);
        let bytes = each(change.bytes_allocated);
        eprintln!("{what}: {allocations:.2} allocations, {bytes:.0} bytes");
        let bound = BOUNDS.iter().find(|bound| bound.what == what).unwrap();
        if allocations > bound.allocations || bytes > bound.bytes {
            let Bound { allocations: most, bytes: most_bytes, .. } = bound;
            let wrong = &mut self.wrong;
            writeln!(wrong, "{what}: {allocations:.2} allocations of {most} and {bytes:.0} bytes of {most_bytes}")
                .unwrap();
        }
        self.counted.push(what);
    }
}

/// Decides these commands, encodes and decodes their events, and folds them.
fn count<D: Decider>(counts: &mut Counts, names: [&'static str; 4], state: &mut D::State, commands: &[D::Command])
where
    D::Rejection: std::fmt::Debug,
{
    let decide = |command| D::decide(state, command).unwrap();
    let [name_of_decide, name_of_encode, name_of_decode, name_of_evolve] = names;
    let decided: Vec<_> = counts.count(name_of_decide, || {
        let mut decided = Vec::with_capacity(commands.len());
        decided.extend(commands.iter().map(decide));
        decided
    });
    let events: Vec<D::Event> = decided.into_iter().flatten().collect();
    let encoded: Vec<_> = counts.count(name_of_encode, || {
        let mut encoded = Vec::with_capacity(events.len());
        encoded.extend(events.iter().map(|event| event.encode().unwrap()));
        encoded
    });
    counts.count(name_of_decode, || {
        for (event, data) in events.iter().zip(&encoded) {
            D::Event::decode(event.event_type(), event.schema_version(), data).unwrap();
        }
    });
    counts.count(name_of_evolve, || {
        for (event, number) in events.iter().zip(BEFORE..) {
            D::evolve(state, event, Revision(number));
        }
    });
}

fn create(number: u64) -> FlightCommand {
    let details = FlightDetails {
        flight_number: FlightNumber::new(&format!("JB {number}")).unwrap(),
        origin: PlaceName::new("LHR").unwrap(),
        destination: PlaceName::new("JFK").unwrap(),
        scheduled_departure: None,
    };
    FlightCommand::Create { flight_id: FlightId::new(Uuid::now_v7()), details }
}

fn check_in(flight_id: FlightId) -> PassengerCommand {
    let name = PassengerName::new("Somebody of a usual name").unwrap();
    PassengerCommand::CheckIn { passenger_id: PassengerId::new(Uuid::now_v7()), flight_id, name }
}

fn folded<D: Decider>(state: &mut D::State, commands: impl Iterator<Item = D::Command>)
where
    D::Rejection: std::fmt::Debug,
{
    for (command, number) in commands.zip(0..) {
        for event in D::decide(state, &command).unwrap() {
            D::evolve(state, &event, Revision(number));
        }
    }
}

/// The projection's own part and that of the client of PostgreSQL, for one batch.
async fn project(counts: &mut Counts) {
    let database = TestDatabase::create().await;
    testing::migrate(&database.url(), &flight_infrastructure::migrations()).await;
    let event = |number: u64| {
        let decided = Flights::decide(&FlightState::default(), &create(number)).unwrap();
        Numbered { event: decided.into_iter().next().unwrap(), revision: Revision(number) }
    };
    let events: Vec<Numbered<FlightEvent>> = (0..TIMES).map(event).collect();
    let region = Region::new(ALLOCATOR);
    testing::project_batch(&database.url(), &FlightProjection, &events).await;
    counts.note("flight project", &region);
}

/// The only test here: others would allocate at the same time.
#[test]
fn events_and_commands_take_few_allocations() {
    let mut counts = Counts::default();

    let mut flights = FlightState::default();
    folded::<Flights>(&mut flights, (0..BEFORE).map(create));
    let commands: Vec<_> = (0..TIMES).map(create).collect();
    let names = ["flight decide", "flight encode", "flight decode", "flight evolve"];
    count::<Flights>(&mut counts, names, &mut flights, &commands);

    let ids: Vec<_> = (0..BEFORE / 100).map(|_| FlightId::new(Uuid::now_v7())).collect();
    let of = |number: u64| check_in(ids[usize::try_from(number).unwrap() % ids.len()]);
    let mut passengers = PassengerState::default();
    folded::<Passengers>(&mut passengers, (0..BEFORE).map(of));
    let commands: Vec<_> = (0..TIMES).map(of).collect();
    let names = ["passenger decide", "passenger encode", "passenger decode", "passenger evolve"];
    count::<Passengers>(&mut counts, names, &mut passengers, &commands);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(project(&mut counts));

    assert_eq!(counts.wrong, "");
    assert!(BOUNDS.iter().all(|bound| counts.counted.contains(&bound.what)), "{:?}", counts.counted);
}
