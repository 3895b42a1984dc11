//! What more and more events cost: memory, disk, the time of a start, and queries, of the program that is everything.

mod cold;
mod display;
mod plot;
mod queries;
mod snapshot;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::build::BuildArgs;
use crate::failure::Failure;
use crate::http::Target;
use crate::load::{self, Load, Pace, Script};
use crate::report::{Circumstances, OutputArgs};
use crate::system::{Places, Running, Subject};
use cold::ColdStart;
pub(crate) use plot::slowest;
pub(crate) use queries::{LISTS, POLL};
use snapshot::SnapshotMemory;

/// How long filling may take, and what has to be done afterwards.
const FILL_LIMIT: Duration = Duration::from_secs(4 * 3600);
const REST_LIMIT: Duration = Duration::from_secs(600);
const CONNECTIONS: usize = 64;
/// How often what was refused is asked for again.
const MOST_ATTEMPTS: u32 = 10;
const FLIGHT: &str = r#"{"flightNumber":"JB101","origin":"LHR","destination":"JFK"}"#;
/// The folder of the events in the data folder.
const EVENTS: &str = "events";

/// How far to go.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// From how many events, as a power of ten
    #[arg(long, value_name = "EXPONENT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=7))]
    from: u32,
    /// To how many, as a power of ten
    #[arg(long, value_name = "EXPONENT", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=7))]
    to: u32,
    /// How often each query is asked
    #[arg(long, value_name = "NUMBER", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    queries: u32,
    #[command(flatten)]
    output: OutputArgs,
    /// File to draw the figures into, as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    build: BuildArgs,
}

/// What was measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Growth {
    pub(crate) steps: Vec<Step>,
    /// With the most events.
    pub(crate) snapshot: SnapshotMemory,
    pub(crate) cold_start: ColdStart,
}

/// What so many events cost. Each is a flight that was created and is at its gate.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    pub(crate) events: u64,
    /// From the start of the program until commands and queries are answered.
    pub(crate) start_seconds: f64,
    /// Resident, after that start.
    pub(crate) program_megabytes: f64,
    pub(crate) postgres_megabytes: f64,
    /// Of the embedded event store, for each event.
    pub(crate) disk_bytes: f64,
    /// Of each query over one connection, in milliseconds.
    pub(crate) queries: BTreeMap<String, Latency>,
}

/// Of one query.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Latency {
    pub(crate) p50_milliseconds: f64,
    pub(crate) p99_milliseconds: f64,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    if arguments.from > arguments.to {
        return Err(Failure::Asked("--from must not be more than --to".to_owned()));
    }
    let places = arguments.build.places(false).await?;
    let circumstances = Circumstances::now()?;
    let mut running = Running::start(Subject::OneProcess, &places).await?;
    let mut steps = Vec::new();
    let mut events = 0;
    for exponent in arguments.from..=arguments.to {
        let wanted = 10_u64.pow(exponent);
        fill(&running, events, wanted).await?;
        events = wanted;
        let step = measure(running, &places, events, arguments.queries).await?;
        running = step.1;
        writeln!(io::stdout(), "{}", step.0)?;
        steps.push(step.0);
    }
    let (snapshot, running, events) = snapshot::measure(running, &places, events).await?;
    writeln!(io::stdout(), "{snapshot}")?;
    let (cold_start, running) = cold::measure(running, &places, events).await?;
    writeln!(io::stdout(), "{cold_start}")?;
    running.stop().await?;
    if let Some(file) = &arguments.svg {
        fs::write(file, plot::svg(&steps))?;
    }
    circumstances.report(Growth { steps, snapshot, cold_start }).write(&arguments.output)
}

/// Starts it again, so that the start is measured, and what memory is left of the load is not.
async fn measure(running: Running, places: &Places, events: u64, times: u32) -> Result<(Step, Running), Failure> {
    running.processes.rest(REST_LIMIT).await?;
    let folder = running.stop().await?;
    let begin = Instant::now();
    let running = Running::start_on(folder, places).await?;
    let start_seconds = begin.elapsed().as_secs_f64();
    running.processes.rest(REST_LIMIT).await?;
    let memory = running.processes.memory()?;
    let megabytes = |is_postgres: bool| {
        let these = memory.iter().filter(|(name, _)| (*name == "PostgreSQL") == is_postgres);
        these.map(|(_, bytes)| *bytes as f64 / 1e6).sum()
    };
    let (program_megabytes, postgres_megabytes) = (megabytes(false), megabytes(true));
    let disk_bytes = size_of(&running.folder.path().join("data").join(EVENTS))? as f64 / events as f64;
    let queries = queries::measure(&running.target, times).await?;
    Ok((Step { events, start_seconds, program_megabytes, postgres_megabytes, disk_bytes, queries }, running))
}

/// Creates flights until there are so many, and asks again for what was refused, as clients do. Of those of which it is not
/// known whether they were created, some may be there as well.
pub(crate) async fn fill(running: &Running, there_are: u64, wanted: u64) -> Result<(), Failure> {
    let mut created = there_are;
    for _ in 0..MOST_ATTEMPTS {
        let next = Arc::new(AtomicU64::new(created));
        let scripts = (0..CONNECTIONS).map(|_| {
            let (next, target) = (Arc::clone(&next), running.target.clone());
            Box::new(Create { next, wanted, target, path: running.path, request: Vec::new() }) as Box<dyn Script>
        });
        let load = Load { connections: CONNECTIONS, pace: Pace::Closed, duration: FILL_LIMIT };
        let filled = load::run(&running.target, load, scripts.collect()).await?;
        created += filled.answered;
        if created >= wanted {
            return Ok(());
        }
        let example = filled.example.unwrap_or_default();
        writeln!(io::stderr(), "refused, and asked for again: {:?}, such as {example}", filled.refused)?;
        running.processes.rest(REST_LIMIT).await?;
    }
    Err(Failure::Answer(format!("only {created} of {wanted} flights could be created")))
}

/// The body of a request for a flight. No two next to each other look the same.
pub(crate) fn flight(number: u64) -> String {
    const AIRPORTS: [&str; 8] = ["LHR", "JFK", "HAM", "AMS", "CDG", "NRT", "GRU", "SYD"];
    let airport = |number: u64| AIRPORTS[(number % 8) as usize];
    let (flight, origin, destination) = (number % 100_000, airport(number), airport(number / 8 + number + 1));
    format!(r#"{{"flightNumber":"JB{flight}","origin":"{origin}","destination":"{destination}"}}"#)
}

/// Creates flights.
struct Create {
    next: Arc<AtomicU64>,
    wanted: u64,
    target: Target,
    path: &'static str,
    request: Vec<u8>,
}

impl Script for Create {
    fn next(&mut self) -> Option<&[u8]> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.wanted {
            return None;
        }
        self.request = self.target.post(self.path, &flight(number));
        Some(&self.request)
    }
}

/// Of all files in a folder, in bytes.
pub(crate) fn size_of(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let status = entry.metadata()?;
        bytes += if status.is_dir() { size_of(&entry.path())? } else { status.len() };
    }
    Ok(bytes)
}
