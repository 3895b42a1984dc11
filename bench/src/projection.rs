//! The read model of flights, of the program that is everything: how far it is behind what was answered, and how fast it
//! is made anew.

mod lag;
mod rebuild;

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};

use crate::build::BuildArgs;
use crate::failure::Failure;
use crate::growth;
use crate::load::{self, Load, Pace};
use crate::report::{Circumstances, OutputArgs};
use crate::statistics::figure;
use crate::system::{Running, Subject};
use lag::Lag;
use rebuild::Rebuild;

const FLIGHT: &str = r#"{"flightNumber":"JB101","origin":"LHR","destination":"JFK"}"#;
/// How long commands are sent before it is measured, at most.
const LONGEST_WARM_UP: Duration = Duration::from_secs(2);
const REST_LIMIT: Duration = Duration::from_secs(600);

/// How much happens.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Commands a second, in an open loop
    #[arg(long, value_name = "PER_SECOND", default_value_t = 5_000.0, value_parser = load::rate)]
    rate: f64,
    /// For how long commands are sent
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Connections over which commands are sent, one at a time over each
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Flights that there are when the read model is rebuilt: as many more are created as it takes. 0 leaves rebuilds out
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    flights: u64,
    /// Queries a second during the second rebuild, in an open loop: lists and searches in turn
    #[arg(long, value_name = "PER_SECOND", default_value_t = 200.0, value_parser = load::rate)]
    queries: f64,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    build: BuildArgs,
}

/// What was measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Projection {
    pub(crate) lag: Lag,
    /// While nothing else happens, and then while queries are asked; empty if they were left out.
    pub(crate) rebuilds: Vec<Rebuild>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let places = arguments.build.places(false).await?;
    let circumstances = Circumstances::now()?;
    let running = Running::start(Subject::OneProcess, &places).await?;
    let duration = Duration::from_secs(arguments.seconds);
    let load = Load { connections: arguments.connections.into(), pace: Pace::Open(arguments.rate), duration };
    let warm_up = Load { duration: LONGEST_WARM_UP.min(duration), ..load };
    lag::measure(&running, arguments.rate, warm_up).await?;
    running.processes.rest(REST_LIMIT).await?;
    let lag = lag::measure(&running, arguments.rate, load).await?;
    writeln!(io::stdout(), "{}\n", lag.table())?;
    running.processes.rest(REST_LIMIT).await?;
    let mut rebuilds = Vec::new();
    if arguments.flights > 0 {
        growth::fill(&running, number_of_flights(&running).await?, arguments.flights).await?;
        running.processes.rest(REST_LIMIT).await?;
        rebuilds.push(rebuild::alone(&running).await?);
        running.processes.rest(REST_LIMIT).await?;
        rebuilds.push(rebuild::asked(&running, arguments.queries).await?);
        writeln!(io::stdout(), "{}", rebuild::table(&rebuilds))?;
    }
    running.stop().await?;
    circumstances.report(Projection { lag, rebuilds }).write(&arguments.output)
}

/// One more than the number of the event that a new flight is.
async fn number_of_flights(running: &Running) -> Result<u64, Failure> {
    let answer = running.target.ask(&running.target.post(running.path, FLIGHT)).await?;
    let without = || Failure::Answer(format!("a flight was answered with {} and without a position", answer.status));
    Ok(answer.flights.ok_or_else(without)? + 1)
}

impl Lag {
    /// For people.
    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        let behind = ["behind p50 ms", "p99 ms", "max ms", "answer p99 ms", "failed", "looked every, p99 ms"];
        table.set_header(["meant/s", "commands/s"].into_iter().chain(behind));
        let figures = [self.rate, self.per_second, self.p50_milliseconds, self.p99_milliseconds, self.max_milliseconds];
        let (answer, looks) = (figure(self.answer_p99_milliseconds), figure(self.look_p99_milliseconds));
        table.add_row(figures.into_iter().map(figure).chain([answer, self.failed.to_string(), looks]));
        table.to_string()
    }
}
