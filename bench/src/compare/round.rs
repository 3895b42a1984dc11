//! One turn of one subject.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clocks::{Busy, Clocks};
use crate::failure::Failure;
use crate::load::{self, Again, Load, Measured, Script};
use crate::processes;
use crate::statistics::figure;
use crate::system::{Places, Running, Subject};

/// The body of each request.
const FLIGHT: &str = r#"{"flightNumber":"JB101","origin":"LHR","destination":"JFK"}"#;
/// How long a subject may go on working after its last answer.
const REST_LIMIT: Duration = Duration::from_secs(60);

/// What a turn came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Round {
    /// Requests that succeeded, a second.
    pub(crate) per_second: f64,
    /// Of the processor, for each of them; until there was nothing left to do.
    pub(crate) cpu_microseconds: f64,
    /// The same, by process.
    pub(crate) cpu_by_process: BTreeMap<String, f64>,
    pub(crate) p50_milliseconds: f64,
    pub(crate) p99_milliseconds: f64,
    /// Resident, in all processes: as it has started, and after the load.
    pub(crate) fresh_megabytes: f64,
    pub(crate) loaded_megabytes: f64,
    /// Requests that did not succeed, or were never sent.
    pub(crate) failed: u64,
    /// Whether there was nothing left to do in the end.
    pub(crate) came_to_rest: bool,
    /// How much of this machine was busy with neither the subject nor the load, from 0 to the number of its cores.
    pub(crate) others_cores: f64,
}

pub(super) async fn measure(
    subject: Subject,
    places: &Places,
    load: Load,
    warm_up: Duration,
) -> Result<Round, Failure> {
    let running = Running::start(subject, places).await?;
    let request: Arc<[u8]> = running.target.post(running.path, FLIGHT).into();
    let scripts = || (0..load.connections).map(|_| Box::new(Again(Arc::clone(&request))) as Box<dyn Script>).collect();
    running.processes.rest(REST_LIMIT).await?;
    let fresh = megabytes(&running)?;
    load::run(&running.target, Load { duration: warm_up, ..load }, scripts()).await?;
    running.processes.rest(REST_LIMIT).await?;
    let before = Clocks::read(&running.processes)?;
    let measured = load::run(&running.target, load, scripts()).await?;
    let came_to_rest = running.processes.rest(REST_LIMIT).await?;
    let after = Clocks::read(&running.processes)?;
    let loaded = megabytes(&running)?;
    running.stop().await?;
    Ok(Round {
        came_to_rest,
        fresh_megabytes: fresh,
        loaded_megabytes: loaded,
        ..Round::of(&after.since(&before), &measured)
    })
}

fn megabytes(running: &Running) -> Result<f64, Failure> {
    Ok(running.processes.memory()?.values().sum::<u64>() as f64 / 1e6)
}

impl Round {
    /// Without what is not known yet: memory, and whether there was nothing left to do.
    fn of(busy: &Busy, measured: &Measured) -> Self {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / measured.answered.max(1) as f64;
        Self {
            per_second: measured.per_second(),
            cpu_microseconds: each(processes::total(&busy.subject)),
            cpu_by_process: busy.subject.iter().map(|(name, time)| (name.clone(), each(*time))).collect(),
            p50_milliseconds: measured.milliseconds(0.5),
            p99_milliseconds: measured.milliseconds(0.99),
            fresh_megabytes: 0.0,
            loaded_megabytes: 0.0,
            failed: measured.failed(),
            came_to_rest: false,
            others_cores: busy.others_cores(),
        }
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8}/s  {:>6} µs of CPU each  p50 {:>6} ms  p99 {:>6} ms  {:>4} MB  failed {}  others {:.2} cores{}",
            figure(self.per_second),
            figure(self.cpu_microseconds),
            figure(self.p50_milliseconds),
            figure(self.p99_milliseconds),
            figure(self.loaded_megabytes),
            self.failed,
            self.others_cores,
            if self.came_to_rest { "" } else { "  has not come to rest" },
        )
    }
}
