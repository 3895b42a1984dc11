//! What passengers cost, of the program that is everything: beside flights, crowded onto one flight, and when the flight
//! they are on lands or is deleted.

mod full;

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::build::BuildArgs;
use crate::failure::Failure;
use crate::report::{Circumstances, OutputArgs};
use crate::series::{self, Done};
use crate::statistics::figure;
use crate::system::{Running, Subject};
use full::Reaction;
pub(crate) use full::{DELETE, LAND};

/// How long what has to be there first may take, and what is left to do afterwards.
const LIMIT: Duration = Duration::from_secs(600);
/// Flights that passengers are spread over.
const FLIGHTS: usize = 64;
const FLIGHT: &str = r#"{"flightNumber":"JB101","origin":"LHR","destination":"JFK"}"#;

/// How much to ask.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// For how long each kind of command is sent, at most. Passengers are boarded until all that were added have
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Connections over which commands are sent, one at a time over each: as many agents
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Passengers of the flight that lands, and of that which is deleted
    #[arg(long, value_name = "NUMBER", default_value_t = 5_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000))]
    passengers: u64,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    build: BuildArgs,
}

/// What was measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Passengers {
    pub(crate) connections: usize,
    commands: Vec<Command>,
    reactions: Vec<Reaction>,
}

/// Commands of one kind, in a closed loop.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Command {
    name: String,
    per_second: f64,
    /// Its rate to that of another, which is named.
    ratio: Option<(String, f64)>,
    p50_milliseconds: f64,
    p99_milliseconds: f64,
    failed: u64,
}

const CREATE: &str = "create-flight";
pub(crate) const ADD: &str = "add-passenger, 64 flights";
pub(crate) const BOARD: &str = "board-passenger, 64 flights";
pub(crate) const CROWDED: &str = "add-passenger, one flight";

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let places = arguments.build.places(false).await?;
    let circumstances = Circumstances::now()?;
    let running = Running::start(Subject::OneProcess, &places).await?;
    let commands = commands(&running, &arguments).await?;
    let reactions = full::measure(&running, arguments.connections.into(), arguments.passengers).await?;
    running.stop().await?;
    let report = circumstances.report(Passengers { connections: arguments.connections.into(), commands, reactions });
    writeln!(io::stdout(), "{}", report.results.table())?;
    report.write(&arguments.output)
}

/// Each kind in turn, with a rest between.
async fn commands(running: &Running, arguments: &Arguments) -> Result<Vec<Command>, Failure> {
    let (connections, duration) = (usize::from(arguments.connections), Duration::from_secs(arguments.seconds));
    let target = &running.target;
    let here = target.clone();
    let created = series::run(target, connections, duration, u64::MAX, move |_| here.post("/api/flights", FLIGHT));
    let create = Command::new(CREATE, &created.await?);
    running.processes.rest(LIMIT).await?;
    let flights = flights(running, FLIGHTS as u64 + 1).await?;
    let (one, many) = flights.split_at(1);
    let spread = add(running, connections, duration, u64::MAX, many.to_vec()).await?;
    running.processes.rest(LIMIT).await?;
    let crowded = add(running, connections, duration, u64::MAX, one.to_vec()).await?;
    running.processes.rest(LIMIT).await?;
    let spread_rate = Command::new(ADD, &spread);
    let boarded = board(running, connections, duration, spread.ids).await?;
    running.processes.rest(LIMIT).await?;
    let boarded = Command::new(BOARD, &boarded).beside(&create);
    let crowded = Command::new(CROWDED, &crowded).beside(&spread_rate);
    let spread = spread_rate.beside(&create);
    Ok(vec![create, spread, boarded, crowded])
}

/// Creates them.
async fn flights(running: &Running, number: u64) -> Result<Vec<Uuid>, Failure> {
    let here = running.target.clone();
    let done = series::run(&running.target, 1, LIMIT, number, move |_| here.post("/api/flights", FLIGHT)).await?;
    Ok(done.whole()?.ids)
}

/// Adds passengers, to one of the flights after another.
async fn add(
    running: &Running,
    connections: usize,
    duration: Duration,
    wanted: u64,
    flights: Vec<Uuid>,
) -> Result<Done, Failure> {
    let here = running.target.clone();
    series::run(&running.target, connections, duration, wanted, move |number| {
        let flight = flights[(number % flights.len() as u64) as usize];
        here.post("/api/passengers", &format!(r#"{{"flightId":"{flight}","name":"Ada Lovelace"}}"#))
    })
    .await
}

/// Boards these passengers, each once.
async fn board(running: &Running, connections: usize, duration: Duration, ids: Vec<Uuid>) -> Result<Done, Failure> {
    let (here, wanted) = (running.target.clone(), ids.len() as u64);
    series::run(&running.target, connections, duration, wanted, move |number| {
        here.bare("POST", &format!("/api/passengers/{}/board", ids[number as usize]))
    })
    .await
}

impl Command {
    fn new(name: &str, done: &Done) -> Self {
        let measured = &done.measured;
        Self {
            name: name.to_owned(),
            per_second: measured.per_second(),
            ratio: None,
            p50_milliseconds: measured.milliseconds(0.5),
            p99_milliseconds: measured.milliseconds(0.99),
            failed: measured.failed(),
        }
    }

    fn beside(self, other: &Self) -> Self {
        Self { ratio: Some((other.name.clone(), self.per_second / other.per_second)), ..self }
    }
}

impl Passengers {
    /// The rate of commands of this name to that which it is compared with.
    pub(crate) fn ratio(&self, name: &str) -> Option<f64> {
        let command = self.commands.iter().find(|command| command.name == name)?;
        command.ratio.as_ref().map(|(_, ratio)| *ratio)
    }

    /// For how many passengers a command of this name set something off, and how long until queries showed it of all.
    pub(crate) fn reaction(&self, name: &str) -> Option<(u64, f64)> {
        let reaction = self.reactions.iter().find(|reaction| reaction.name == name)?;
        Some((reaction.passengers, reaction.all_milliseconds))
    }

    /// For people.
    fn table(&self) -> String {
        let mut commands = Table::new();
        commands.load_style(presets::ASCII_MARKDOWN);
        commands.set_header(["command", "requests/s", "ratio", "p50 ms", "p99 ms", "failed"]);
        for command in &self.commands {
            let ratio =
                command.ratio.as_ref().map_or_else(String::new, |(to, ratio)| format!("{} to {to}", figure(*ratio)));
            let (p50, p99) = (figure(command.p50_milliseconds), figure(command.p99_milliseconds));
            let rate = figure(command.per_second);
            commands.add_row([command.name.clone(), rate, ratio, p50, p99, command.failed.to_string()]);
        }
        format!("{commands}\n\n{}", full::table(&self.reactions))
    }
}
