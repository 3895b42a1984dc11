//! How much more memory the program takes while it saves a snapshot of its state.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{REST_LIMIT, fill};
use crate::database::Database;
use crate::failure::Failure;
use crate::system::{Places, Running};

/// After how many events since the last one another is saved: hardly more than have to be, so that it is saved after they
/// have come and not meanwhile.
const ENOUGH: u64 = 20_000;
const MARGIN: u64 = 50;
/// How often it is tried, where it was saved in the moment between.
const MOST_ATTEMPTS: u32 = 4;
/// One is saved every 30 seconds, and takes as long as it takes.
const LIMIT: Duration = Duration::from_secs(300);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
const SAVED: &str = "SELECT revision FROM ledger_snapshots WHERE stream = 'flight-stream'";

/// What the program has resident.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SnapshotMemory {
    pub(crate) events: u64,
    pub(crate) before_megabytes: f64,
    /// The most of any moment from then until the snapshot was saved, as the operating system notes it.
    pub(crate) most_megabytes: f64,
}

/// Creates flights on top of `events` until a snapshot is due, starts the program again, so that no memory is left of
/// them, and waits, without anything to do, until it is saved. How many events there are then is answered as well.
pub(super) async fn measure(
    mut running: Running,
    places: &Places,
    mut events: u64,
) -> Result<(SnapshotMemory, Running, u64), Failure> {
    let mut saved = reach(&Database::of_flights(&running).await?).await?;
    if events - saved >= ENOUGH {
        // It is due already, so that nobody knows whether it is just being saved.
        saved = another(&running, saved).await?;
    }
    for _ in 0..MOST_ATTEMPTS {
        let due = saved + ENOUGH + MARGIN;
        fill(&running, events, due).await?;
        events = due;
        running.processes.rest(REST_LIMIT).await?;
        running = Running::start_on(running.stop().await?, places).await?;
        running.processes.rest(REST_LIMIT).await?;
        running.processes.forget_most()?;
        let (before, _) = running.processes.resident()?;
        let now = reach(&Database::of_flights(&running).await?).await?;
        if now == saved {
            another(&running, saved).await?;
            let (_, most) = running.processes.resident()?;
            let (before_megabytes, most_megabytes) = (before as f64 / 1e6, most as f64 / 1e6);
            return Ok((SnapshotMemory { events, before_megabytes, most_megabytes }, running, events));
        }
        saved = now;
    }
    Err(Failure::Answer(format!("{MOST_ATTEMPTS} times a snapshot was saved before its memory could be looked at")))
}

/// Waits until another one is saved: up to which event.
async fn another(running: &Running, before: u64) -> Result<u64, Failure> {
    let database = Database::of_flights(running).await?;
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        let saved = reach(&database).await?;
        if saved != before {
            return Ok(saved);
        }
        sleep(LOOK_INTERVAL).await;
    }
    Err(Failure::Answer(format!("no snapshot was saved within {LIMIT:?}")))
}

/// How many events there are in the snapshot; 0 if there is none.
async fn reach(database: &Database) -> Result<u64, Failure> {
    let row = database.client.query_opt(SAVED, &[]).await?;
    let revision = row.map_or(Ok(-1), |row| row.try_get::<_, i64>(0))?;
    Ok(u64::try_from(revision + 1).unwrap_or_default())
}
