//! Many who follow what happens, as server-sent events, of the program that is everything: how long after the answer to a
//! command each of them reads of it.

mod delivery;
mod follow;
mod scan;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};

use crate::answers;
use crate::build::BuildArgs;
use crate::clocks::{Busy, Clocks};
use crate::failure::Failure;
use crate::load::{Load, Measured, Pace};
use crate::processes;
use crate::report::{Circumstances, OutputArgs};
use crate::statistics::figure;
use crate::system::Running;
use delivery::Deliveries;
use follow::Following;

const FLIGHT: &str = r#"{"flightNumber":"JB101","origin":"LHR","destination":"JFK"}"#;
/// How long the program may go on working after the last command.
const REST_LIMIT: Duration = Duration::from_secs(120);
/// How long commands are sent before it is measured, at most.
const LONGEST_WARM_UP: Duration = Duration::from_secs(2);
/// Connections and files that the program and the load need beside those of followers and commands.
const SPARE: usize = 64;

/// Who follows what, and how much happens.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many follow. The program takes a thousand at most
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    followers: u16,
    /// Commands a second, in an open loop
    #[arg(long, value_name = "PER_SECOND", default_value_t = 200.0, value_parser = crate::load::rate)]
    rate: f64,
    /// For how long commands are sent
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1_800))]
    seconds: u64,
    /// What they follow
    #[arg(long, value_enum, default_value = "audit-log")]
    feed: Feed,
    /// Connections over which commands are sent, one at a time over each
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    build: BuildArgs,
}

/// What can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Feed {
    /// The audit log, with everything that is in an event
    AuditLog,
    /// That something has happened, without what
    Changes,
}

impl Feed {
    const fn path(self) -> &'static str {
        match self {
            Self::AuditLog => "/api/auditlog/events",
            Self::Changes => "/api/changes",
        }
    }
}

/// What was measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Followers {
    feed: Feed,
    pub(crate) followers: u64,
    /// Commands a second, as they were meant.
    pub(crate) rate: f64,
    /// Commands that were carried out.
    commands: u64,
    /// Commands that were not, or were never sent.
    pub(crate) failed: u64,
    /// Of the answer to a command, from when it was meant to be sent.
    answer_p99_milliseconds: f64,
    deliveries: u64,
    /// From the answer's arrival until a follower has read the event; 0 where it has read it before.
    pub(crate) p50_milliseconds: f64,
    pub(crate) p99_milliseconds: f64,
    pub(crate) max_milliseconds: f64,
    /// The share of deliveries that came before the answer.
    early: f64,
    /// How often a follower was not given its stream at once, and came back a second later.
    sent_away: u64,
    /// Deliveries that never came, and those that came once more.
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Of the processor for each delivery, in microseconds: the commands are paid for in it. Then that of the load.
    cpu_microseconds_each: f64,
    own_cpu_microseconds_each: f64,
    /// How much of this machine was busy with neither.
    others_cores: f64,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let followers = usize::from(arguments.followers);
    let connections = usize::from(arguments.connections);
    allow_files(followers + connections + SPARE)?;
    let places = arguments.build.places(false).await?;
    let circumstances = Circumstances::now()?;
    let settings = ["--max-connections".to_owned(), (followers + connections + SPARE).to_string()];
    let running = Running::start_set(&places, &settings).await?;
    let measured = measure(&running, &arguments).await?;
    running.stop().await?;
    let report = circumstances.report(measured);
    writeln!(io::stdout(), "{}", report.results.table())?;
    report.write(&arguments.output)?;
    report.results.check()
}

/// Raises the limit of open files, which what is started has as well.
fn allow_files(needed: usize) -> Result<(), Failure> {
    let allowed = rlimit::increase_nofile_limit(u64::MAX)?;
    if allowed < needed as u64 {
        return Err(Failure::Asked(format!("{needed} files have to be open, and {allowed} may (ulimit -Hn)")));
    }
    Ok(())
}

async fn measure(running: &Running, arguments: &Arguments) -> Result<Followers, Failure> {
    let (target, number) = (&running.target, u64::from(arguments.followers));
    let duration = Duration::from_secs(arguments.seconds);
    let load = Load { connections: arguments.connections.into(), pace: Pace::Open(arguments.rate), duration };
    let request: Arc<[u8]> = target.post(running.path, FLIGHT).into();
    let following = Following::start(target, arguments.feed.path(), number as usize).await?;
    let warm_up = Load { duration: LONGEST_WARM_UP.min(duration), ..load };
    let (_, before) = answers::run(target, warm_up, &request).await?;
    following.until_delivered(before.len() as u64 * number).await;
    running.processes.rest(REST_LIMIT).await?;
    let clocks = Clocks::read(&running.processes)?;
    let (measured, answered) = answers::run(target, load, &request).await?;
    following.until_delivered((before.len() + answered.len()) as u64 * number).await;
    running.processes.rest(REST_LIMIT).await?;
    let busy = Clocks::read(&running.processes)?.since(&clocks);
    let sent_away = following.sent_away();
    let arrivals = following.stop().await?;
    let deliveries = Deliveries::of(&answered, &arrivals)?;
    Ok(Followers { sent_away, ..Followers::new(arguments, &measured, &deliveries, &busy) })
}

impl Followers {
    fn new(arguments: &Arguments, measured: &Measured, deliveries: &Deliveries, busy: &Busy) -> Self {
        let number = deliveries.latency.len();
        let each = |time: Duration| time.as_secs_f64() * 1e6 / number.max(1) as f64;
        Self {
            feed: arguments.feed,
            followers: arguments.followers.into(),
            rate: arguments.rate,
            commands: measured.answered,
            failed: measured.failed(),
            answer_p99_milliseconds: measured.milliseconds(0.99),
            deliveries: number,
            p50_milliseconds: deliveries.milliseconds(0.5),
            p99_milliseconds: deliveries.milliseconds(0.99),
            max_milliseconds: deliveries.milliseconds(1.0),
            early: deliveries.early as f64 / number.max(1) as f64,
            sent_away: 0,
            lost: deliveries.lost,
            doubled: deliveries.doubled,
            cpu_microseconds_each: each(processes::total(&busy.subject)),
            own_cpu_microseconds_each: each(busy.own),
            others_cores: busy.others_cores(),
        }
    }

    /// For people.
    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header([
            "followers",
            "commands/s",
            "deliveries",
            "p50 ms",
            "p99 ms",
            "max ms",
            "before the answer",
            "lost",
            "doubled",
            "CPU µs each",
            "of the load",
        ]);
        table.add_row([
            self.followers.to_string(),
            figure(self.rate),
            figure(self.deliveries as f64),
            figure(self.p50_milliseconds),
            figure(self.p99_milliseconds),
            figure(self.max_milliseconds),
            format!("{:.0} %", self.early * 100.0),
            self.lost.to_string(),
            self.doubled.to_string(),
            figure(self.cpu_microseconds_each),
            figure(self.own_cpu_microseconds_each),
        ]);
        let (answer, others) = (figure(self.answer_p99_milliseconds), figure(self.others_cores));
        let (commands, failed) = (figure(self.commands as f64), self.failed);
        format!(
            "{table}\n\n{commands} commands, p99 {answer} ms, failed {failed}; followers sent away before {}; others {others} cores",
            self.sent_away
        )
    }

    /// Itself if everything came once.
    fn check(&self) -> Result<(), Failure> {
        if self.lost == 0 && self.doubled == 0 {
            return Ok(());
        }
        Err(Failure::Answer(format!("{} deliveries were lost, and {} came twice", self.lost, self.doubled)))
    }
}
