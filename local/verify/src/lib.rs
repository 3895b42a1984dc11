//! Checks that the streams and the read models of a running system hold what they have to.
//!
//! Both streams are read in the order in which the event store took their events in, and each event is folded into the
//! state of its domain. So whatever holds at every position is checked at every position. What is legal in passing, such
//! as a manifest that is sealed while its flight is still at the gate, is a violation once it has been so for as long as
//! [`verify`] is told to watch it: the event store's clock and this machine's are not compared.
//!
//! It holds what exists at the end of the streams in memory, as an API does.

mod read_models;
mod streams;
mod violation;
mod world;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use flight_infrastructure::FlightProjection;
use passenger_infrastructure::PassengerProjection;
use shared_infrastructure::InvalidSetting;
use shared_infrastructure::event_store::{EventStore, StoreError};
use shared_infrastructure::postgres::{Database, DatabaseError};
use shared_infrastructure::read_model::TableSnapshot;
use tokio::time::{Instant, sleep};

use crate::streams::Streams;
pub use crate::violation::{Place, Violation};
use crate::world::World;

/// How often the streams are looked at again while something is unfinished.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

/// Where a system keeps its data.
#[derive(Debug, Clone)]
pub struct Stores {
    /// The `esdb://` address of the event store.
    pub event_store: String,
    /// The address of the flight domain's database.
    pub flight_database: String,
    /// The address of the passenger domain's database.
    pub passenger_database: String,
}

/// What was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// How many events the flight stream has.
    pub flight_events: u64,
    /// How many events the passenger stream has.
    pub passenger_events: u64,
    /// How many rows the read models have.
    pub rows: usize,
    /// How many violations were reported.
    pub violations: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flight_events, passenger_events, rows, violations } = self;
        write!(f, "checked {flight_events} flight events, {passenger_events} passenger events and {rows} rows: ")?;
        match violations {
            0 => f.write_str("no violation"),
            1 => f.write_str("1 violation"),
            many => write!(f, "{many} violations"),
        }
    }
}

impl Summary {
    /// What a program ends with that has checked this: 0 without a violation, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// What a program ends with if the system could not be checked.
pub const EXIT_UNCHECKED: u8 = 3;

/// [`verify`] as a program does it: each violation is a line on standard output, and so is the summary.
///
/// # Errors
/// [`VerifyError`] if it cannot be checked.
pub async fn verify_aloud(stores: &Stores, settle: Duration) -> Result<Summary, VerifyError> {
    // If standard output is closed, the exit code tells.
    let say = |line: &dyn fmt::Display| drop(writeln!(io::stdout().lock(), "{line}"));
    let summary = verify(stores, settle, |violation| say(violation)).await?;
    say(&summary);
    Ok(summary)
}

/// Why a system could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The address of the event store or of a database cannot be used.
    #[error(transparent)]
    Address(#[from] InvalidSetting),
    /// The event store does not answer, or refuses.
    #[error("the streams cannot be read")]
    EventStore(#[from] StoreError),
    /// A database does not answer, or refuses.
    #[error("the read models cannot be read")]
    Database(#[from] DatabaseError),
}

/// Checks a system, and reports each violation as it is found. What is unfinished at the end of the streams is watched
/// for `settle`, and is a violation if it is unfinished all that time.
///
/// # Errors
/// [`VerifyError`] if it cannot be checked.
pub async fn verify(
    stores: &Stores,
    settle: Duration,
    mut report: impl FnMut(&Violation),
) -> Result<Summary, VerifyError> {
    let mut violations = 0;
    let mut report = |violation: Violation| {
        violations += 1;
        report(&violation);
    };
    let database = |address| Database::new(address).map_err(InvalidSetting::from);
    let flight_database = database(&stores.flight_database)?;
    let passenger_database = database(&stores.passenger_database)?;
    let (mut flight_client, mut passenger_client) =
        (flight_database.client().await?, passenger_database.client().await?);
    // What the read models are at one moment; the streams are read beyond it.
    let flight_rows = TableSnapshot::take::<FlightProjection>(&mut flight_client).await?;
    let passenger_rows = TableSnapshot::take::<PassengerProjection>(&mut passenger_client).await?;

    let mut streams = Streams::new(EventStore::new(&stores.event_store).map_err(InvalidSetting::from)?);
    let mut world = World::new(flight_rows.checkpoint(), passenger_rows.checkpoint());
    streams.read_on(&mut world, &mut report).await?;
    let flights = read_models::compare_flights(&flight_rows, world.flights(), &mut report).await?;
    let passengers = read_models::compare_passengers(&passenger_rows, world.passengers(), &mut report).await?;

    let begun = world.unfinished();
    let deadline = Instant::now() + settle;
    while Instant::now() < deadline && begun.iter().any(|unfinished| world.is_unfinished(unfinished)) {
        sleep(WATCH_INTERVAL).await;
        streams.read_on(&mut world, &mut report).await?;
    }
    begun.into_iter().filter(|unfinished| world.is_unfinished(unfinished)).for_each(|it| report(it.into()));
    let (flight_events, passenger_events) = world.events();
    Ok(Summary { flight_events, passenger_events, rows: flights + passengers, violations })
}
