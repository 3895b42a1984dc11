//! What a process tells operators about itself: what it has measured lately, and how it is set.

mod setting;

use std::sync::{LazyLock, OnceLock};

use axum::Json;
use clap::{ArgMatches, Command};
use jiff::Timestamp;
use serde::Serialize;
use shared_access::{Access, Role};
use shared_telemetry::history;
pub use shared_telemetry::history::Wanted;
use uuid::Uuid;

pub use setting::{Setting, Source};

use crate::routes::Routes;

/// For those who operate it.
const OPERATORS: Access = Access::Role(Role::Admin);

/// Where a service answers [`Numbers`].
pub const NUMBERS_PATH: &str = "/numbers";
/// Where a service answers [`Configuration`].
pub const CONFIGURATION_PATH: &str = "/configuration";

/// This process.
static PROCESS: LazyLock<Process> = LazyLock::new(|| Process {
    process: Uuid::new_v4(),
    version: env!("CARGO_PKG_VERSION"),
    started_at: Timestamp::now(),
});
/// What it was started with. Nothing where it is a part of another program, such as a test.
static SETTINGS: OnceLock<Vec<Setting>> = OnceLock::new();

/// Which process it is. Several services may be one.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    /// Another one after each start.
    process: Uuid,
    version: &'static str,
    started_at: Timestamp,
}

/// What a service has measured in the last 15 minutes.
#[derive(Debug, Serialize)]
pub struct Numbers {
    #[serde(flatten)]
    process: Process,
    /// How old the samples are, in seconds, the oldest first. Clocks of machines differ; ages do not.
    ages: Vec<f64>,
    series: Vec<Series>,
}

#[derive(Debug, Serialize)]
struct Series {
    metric: &'static str,
    of: String,
    values: Vec<Option<f64>>,
}

/// How a process is set.
#[derive(Debug, Serialize)]
pub struct Configuration {
    #[serde(flatten)]
    process: Process,
    settings: Vec<Setting>,
}

/// Notes that this process begins, and how it was set. To be called once.
pub(crate) fn begin(command: &Command, matches: &ArgMatches) {
    LazyLock::force(&PROCESS);
    // Whoever calls it a second time has the same command line.
    let _ = SETTINGS.set(setting::of(command, matches));
}

impl Numbers {
    /// What this process has measured of these.
    #[must_use]
    pub fn of(wanted: &[Wanted]) -> Self {
        let kept = history::of(wanted);
        let series = kept.series.into_iter().map(|of| Series { metric: of.metric, of: of.of, values: of.values });
        Self { process: *PROCESS, ages: kept.ages, series: series.collect() }
    }
}

impl Configuration {
    /// That of this process.
    #[must_use]
    pub fn current() -> Self {
        Self { process: *PROCESS, settings: SETTINGS.get().cloned().unwrap_or_default() }
    }
}

/// `GET /numbers` with what was measured of these, and `GET /configuration`.
#[must_use]
pub fn routes<S: Clone + Send + Sync + 'static>(wanted: Vec<Wanted>) -> Routes<S> {
    let numbers = move || {
        let numbers = Numbers::of(&wanted);
        async move { Json(numbers) }
    };
    Routes::new()
        .get(NUMBERS_PATH, OPERATORS, numbers)
        .get(CONFIGURATION_PATH, OPERATORS, async || Json(Configuration::current()))
}
