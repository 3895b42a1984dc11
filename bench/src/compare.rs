//! The same command, creating a flight, by every subject in turn, in several rounds.

mod round;
mod summary;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use crate::build::BuildArgs;
use crate::failure::Failure;
use crate::load::{self, Load, Pace};
use crate::report::{Circumstances, OutputArgs};
use crate::system::{Places, Subject};
use round::Round;
pub(crate) use summary::{Comparison, SubjectFigures};

/// How long a subject is asked before it is measured, at most.
const LONGEST_WARM_UP: Duration = Duration::from_secs(3);
/// The share of what the plain service can do at which the open loop asks with `--half-of-crud`.
const HALF: f64 = 0.5;

/// What to compare, and how.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How often every subject has its turn
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// For how long each turn is measured. A snapshot of the state is saved every 30 seconds: longer turns have it in them
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Connections over which requests are sent, one at a time over each
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Requests a second, in an open loop: latency counts from when each was meant to be sent [default: a closed loop, in
    /// which each connection sends the next request once the one before is answered]
    #[arg(long, value_name = "PER_SECOND", value_parser = load::rate)]
    rate: Option<f64>,
    /// An open loop at half of what the plain service does in a closed one, which is measured first
    #[arg(long, conflicts_with = "rate")]
    half_of_crud: bool,
    /// What to compare, in this order
    #[arg(long, value_name = "SUBJECT", value_delimiter = ',', value_enum)]
    #[arg(default_values = ["echo", "crud", "cqrs-es", "direct", "gateway", "one-process"])]
    subjects: Vec<Subject>,
    /// Leave out the baseline with cqrs-es, whose many dependencies take minutes to build
    #[arg(long)]
    without_cqrs_es: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    build: BuildArgs,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut subjects = arguments.subjects.clone();
    if arguments.without_cqrs_es {
        subjects.retain(|subject| *subject != Subject::CqrsEs);
        say("cqrs-es is left out")?;
    }
    let places = arguments.build.places(subjects.contains(&Subject::CqrsEs)).await?;
    let circumstances = Circumstances::now()?;
    let load = arguments.load(&places).await?;
    let mut rounds: BTreeMap<Subject, Vec<Round>> = BTreeMap::new();
    for number in 1..=arguments.rounds {
        for &subject in &subjects {
            let round = round::measure(subject, &places, load, LONGEST_WARM_UP.min(load.duration)).await?;
            say(&format!("round {number}: {:<12} {round}", subject.name()))?;
            rounds.entry(subject).or_default().push(round);
        }
    }
    let report = circumstances.report(Comparison::new(load, &subjects, &rounds));
    say(&report.results.table())?;
    report.write(&arguments.output)
}

impl Arguments {
    async fn load(&self, places: &Places) -> Result<Load, Failure> {
        let duration = Duration::from_secs(self.seconds);
        let closed = Load { connections: self.connections.into(), pace: Pace::Closed, duration };
        if self.half_of_crud {
            let peak = round::measure(Subject::Crud, places, closed, LONGEST_WARM_UP.min(duration)).await?;
            say(&format!("closed loop: crud         {peak}"))?;
            return Ok(Load { pace: Pace::Open(HALF * peak.per_second), ..closed });
        }
        Ok(Load { pace: self.rate.map_or(Pace::Closed, Pace::Open), ..closed })
    }
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
