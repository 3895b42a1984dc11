//! What is measured of the readers of a processor whenever somebody asks.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::postgres::Database;
use shared_infrastructure::progress::Progress;
use shared_infrastructure::worker::{WorkError, WorkerHandle, WorkerState};
use shared_kernel::Revision;
use shared_telemetry::table::{
    REACTION_OLDEST, REACTION_RETRYING, REACTION_UNFINISHED, READER_HALTED, READER_LAG, READER_LAG_SECONDS,
    READER_LEADING, READER_PARKED,
};
use shared_telemetry::{AtScrape, at_scrape};

/// A reader, as far as it is measured.
#[derive(Clone)]
struct Measured {
    name: &'static str,
    stream: &'static str,
    handle: WorkerHandle,
    event_store: Arc<EventStore>,
    database: Database,
}

/// Measures the readers of `stream` as long as what this gives is kept.
pub(crate) fn of(
    workers: &[(&'static str, WorkerHandle)],
    stream: &'static str,
    event_store: EventStore,
    database: &Database,
) -> Vec<AtScrape> {
    let event_store = Arc::new(event_store);
    let measured = workers.iter().map(|(name, handle)| {
        let (handle, event_store) = (handle.clone(), Arc::clone(&event_store));
        let reader = Measured { name, stream, handle, event_store, database: database.clone() };
        at_scrape(move || {
            let reader = reader.clone();
            async move { reader.measure().await }
        })
    });
    measured.collect()
}

impl Measured {
    async fn measure(&self) {
        let labels = [self.name];
        let flag = |is_so| if is_so { 1.0 } else { 0.0 };
        READER_LEADING.of(labels).set(flag(self.handle.state() == WorkerState::Leading));
        READER_HALTED.of(labels).set(flag(self.handle.halted().is_some()));
        let retrying = self.handle.retrying();
        let oldest = retrying.iter().map(|retrying| retrying.since).min();
        REACTION_RETRYING.of(labels).set(retrying.len() as f64);
        REACTION_OLDEST.of(labels).set(oldest.map_or(0.0, age));
        REACTION_UNFINISHED.of(labels).set(self.handle.in_hand() as f64);
        // What cannot be found out is unknown, and not what it was.
        READER_LAG.forget(labels);
        READER_LAG_SECONDS.forget(labels);
        READER_PARKED.forget(labels);
        let Ok((progress, lag)) = self.progress().await else { return };
        READER_LAG.of(labels).set(progress.behind as f64);
        READER_LAG_SECONDS.of(labels).set(lag);
        READER_PARKED.of(labels).set(progress.parked as f64);
    }

    /// How far it has come, and how old the oldest event is that it has not done with, in seconds.
    async fn progress(&self) -> Result<(Progress, f64), WorkError> {
        let progress = Progress::of(self.name, self.stream, &self.event_store, &self.database).await?;
        if progress.behind == 0 {
            return Ok((progress, 0.0));
        }
        let next = Revision(progress.checkpoint.map_or(0, |revision| revision.0 + 1));
        let oldest = self.event_store.event_at(self.stream, next).await?;
        Ok((progress, age(oldest.created)))
    }
}

/// In seconds. The clocks of two machines may differ: nothing is younger than now.
fn age(since: Timestamp) -> f64 {
    Duration::try_from(Timestamp::now().duration_since(since)).unwrap_or_default().as_secs_f64()
}
