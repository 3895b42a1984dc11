//! A day of the world's flights, with all their passengers, by the program that is everything, as fast as it goes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use crate::build::BuildArgs;
use crate::failure::Failure;
use crate::growth::size_of;
use crate::http::Target;
use crate::processes::Processes;
use crate::report::{Circumstances, OutputArgs};
use crate::series;
use crate::statistics::figure;
use crate::system::{Places, Running, Subject};

const FLIGHTS: f64 = 100_000.0;
const PASSENGERS_EACH: u64 = 120;
/// Flights that are on their way together, so that the load itself keeps little in memory.
const TOGETHER: u64 = 256;
/// How long one phase of those may take, and what is left to do in the end.
const LIMIT: Duration = Duration::from_secs(1800);
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
const PHASES: [&str; 5] = ["create", "add", "board", "depart", "land"];
const FLIGHT: &str = r#"{"flightNumber":"JB101","origin":"LHR","destination":"JFK"}"#;

/// How much of a day.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Share of the day: 1 is 100,000 flights and 12 million passengers
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, value_parser = share)]
    scale: f64,
    /// Connections over which commands are sent, one at a time over each
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    build: BuildArgs,
}

fn share(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|share| (0.000_01..=10.0).contains(share)).ok_or("must be a number from 0.00001 to 10")
}

/// What the day came to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Day {
    pub(crate) flights: u64,
    passengers: u64,
    /// From the first request until nothing was left to do.
    pub(crate) seconds: f64,
    phases: BTreeMap<String, Phase>,
    /// The most that all processes had resident together, of a look each second.
    pub(crate) peak_megabytes: f64,
    /// Of the whole data folder, after the program has stopped.
    pub(crate) disk_megabytes: f64,
    pub(crate) verify: Verified,
}

/// All commands of one kind.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Phase {
    commands: u64,
    /// In which commands of this kind were sent.
    seconds: f64,
    /// Commands that were refused, and asked for again.
    refused: u64,
}

/// What `jetbridge verify` has found.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verified {
    pub(crate) clean: bool,
    output: String,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let places = arguments.build.places(false).await?;
    let circumstances = Circumstances::now()?;
    let running = Running::start(Subject::OneProcess, &places).await?;
    let flights = ((FLIGHTS * arguments.scale).round() as u64).max(1);
    let peak = Peak::watch(running.processes.clone());
    let begin = Instant::now();
    let mut phases = BTreeMap::new();
    let mut left = flights;
    while left > 0 {
        let number = left.min(TOGETHER);
        together(&running.target, arguments.connections.into(), number, &mut phases).await?;
        left -= number;
    }
    running.processes.rest(LIMIT).await?;
    let seconds = begin.elapsed().as_secs_f64();
    let verify = verify(&running, &places).await?;
    let peak_megabytes = peak.bytes.load(Ordering::Relaxed) as f64 / 1e6;
    drop(peak);
    let folder = running.stop().await?;
    let disk_megabytes = size_of(&folder.path().join("data"))? as f64 / 1e6;
    let passengers = flights * PASSENGERS_EACH;
    let day = Day { flights, passengers, seconds, phases, peak_megabytes, disk_megabytes, verify };
    let report = circumstances.report(day);
    writeln!(io::stdout(), "{}", report.results.table())?;
    report.write(&arguments.output)?;
    if report.results.verify.clean { Ok(()) } else { Err(Failure::Asked("verify has found something".to_owned())) }
}

/// Lets some flights happen, from their creation until they have landed.
async fn together(
    target: &Target,
    connections: usize,
    number: u64,
    phases: &mut BTreeMap<String, Phase>,
) -> Result<(), Failure> {
    let here = target.clone();
    let send = |path: fn(Uuid) -> String, ids: Vec<Uuid>| {
        let here = target.clone();
        move |number: u64| here.bare("POST", &path(ids[number as usize]))
    };
    let [create, add, board, depart, land] = PHASES;
    let create_one = move |_| here.post("/api/flights", FLIGHT);
    let flights = phase(phases, create, target, connections, number, create_one).await?;
    let (here, these) = (target.clone(), flights.clone());
    let add_one = move |number: u64| {
        let flight = these[(number % these.len() as u64) as usize];
        here.post("/api/passengers", &format!(r#"{{"flightId":"{flight}","name":"Ada Lovelace"}}"#))
    };
    let everybody = number * PASSENGERS_EACH;
    let passengers = phase(phases, add, target, connections, everybody, add_one).await?;
    let board_one = send(|id| format!("/api/passengers/{id}/board"), passengers);
    phase(phases, board, target, connections, everybody, board_one).await?;
    let depart_one = send(|id| format!("/api/flights/{id}/disembark"), flights.clone());
    phase(phases, depart, target, connections, number, depart_one).await?;
    let land_one = send(|id| format!("/api/flights/{id}/land"), flights);
    phase(phases, land, target, connections, number, land_one).await?;
    Ok(())
}

/// Sends commands of one kind until all have succeeded: the ids in their answers.
async fn phase(
    phases: &mut BTreeMap<String, Phase>,
    name: &str,
    target: &Target,
    connections: usize,
    number: u64,
    request: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static,
) -> Result<Vec<Uuid>, Failure> {
    let begin = Instant::now();
    let (ids, refused) = series::all(target, connections, LIMIT, number, request).await?;
    if ids.len() as u64 != number {
        return Err(Failure::Answer(format!("{} ids for {number} commands to {name}", ids.len())));
    }
    let phase = phases.entry(name.to_owned()).or_default();
    phase.commands += number;
    phase.seconds += begin.elapsed().as_secs_f64();
    phase.refused += refused;
    Ok(ids)
}

/// Looks at the memory of all processes each second, until it is dropped.
struct Peak {
    bytes: Arc<AtomicU64>,
    watching: JoinHandle<()>,
}

impl Peak {
    fn watch(processes: Processes) -> Self {
        let bytes = Arc::new(AtomicU64::new(0));
        let most = Arc::clone(&bytes);
        let watching = tokio::spawn(async move {
            while let Ok(memory) = processes.memory() {
                most.fetch_max(memory.values().sum(), Ordering::Relaxed);
                sleep(LOOK_INTERVAL).await;
            }
        });
        Self { bytes, watching }
    }
}

impl Drop for Peak {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

async fn verify(running: &Running, places: &Places) -> Result<Verified, Failure> {
    let mut command = Command::new(places.program("jetbridge"));
    command.args(["verify", "--data-dir"]).arg(running.folder.path().join("data")).kill_on_drop(true);
    let output = command.output().await?;
    let text = [output.stdout, output.stderr].concat();
    Ok(Verified { clean: output.status.success(), output: String::from_utf8_lossy(&text).trim().to_owned() })
}

impl Day {
    /// For people.
    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["phase", "commands", "seconds", "commands/s", "refused, asked again"]);
        for (name, phase) in PHASES.iter().filter_map(|name| self.phases.get_key_value(*name)) {
            let rate = figure(phase.commands as f64 / phase.seconds);
            let commands = figure(phase.commands as f64);
            table.add_row([name.clone(), commands, figure(phase.seconds), rate, phase.refused.to_string()]);
        }
        let (flights, passengers) = (figure(self.flights as f64), figure(self.passengers as f64));
        let (seconds, memory, disk) = (figure(self.seconds), figure(self.peak_megabytes), figure(self.disk_megabytes));
        let verified = if self.verify.clean { "clean" } else { "not clean" };
        format!(
            "{table}\n\n{flights} flights, {passengers} passengers: {seconds} s, {memory} MB of memory at most, {disk} \
             MB of disk; verify is {verified}:\n{}",
            self.verify.output
        )
    }
}
