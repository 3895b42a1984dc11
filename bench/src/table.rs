//! The table of targets in `documentation/performance.md`, beside what `bench/measure` has written down.

mod part;
mod rows;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::DeserializeOwned;

use crate::compare::Comparison;
use crate::failure::Failure;
use crate::followers::Followers;
use crate::growth::Growth;
use crate::memory::Memory;
use crate::passengers::Passengers;
use crate::projection::Projection;
use crate::report::Report;
use crate::world_day::Day;

/// Where the figures are.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folder with the files that bench/measure has written
    #[arg(value_name = "FOLDER", default_value = "target/bench")]
    folder: PathBuf,
}

/// All measurements; `None` for one that was not made.
#[derive(Default)]
struct Figures {
    /// A closed loop over 64 connections.
    peak: Option<Report<Comparison>>,
    /// The same over one.
    one: Option<Report<Comparison>>,
    /// A thousand requests a second.
    steady: Option<Report<Comparison>>,
    /// Half of what the plain service can do.
    half: Option<Report<Comparison>>,
    growth: Option<Report<Growth>>,
    memory: Option<Report<Memory>>,
    passengers: Option<Report<Passengers>>,
    projection: Option<Report<Projection>>,
    /// In the order of [`FOLLOWERS`].
    followers: [Option<Report<Followers>>; 4],
    world_day: Option<Report<Day>>,
}

/// Many followers of the audit log, fewer of whom more is asked, and both of changes.
const FOLLOWERS: [&str; 4] = ["followers-many", "followers-fast", "changes-many", "changes-fast"];

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let figures = Figures::read(&arguments.folder)?;
    let mut out = io::stdout().lock();
    writeln!(out, "| # | measured | target | met |\n|---|---|---|---|")?;
    for row in figures.rows() {
        writeln!(out, "{row}")?;
    }
    for line in figures.circumstances() {
        writeln!(out, "\n{line}")?;
    }
    Ok(())
}

/// `None` if there is no such file.
fn read<R: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<Report<R>>, Failure> {
    let file = folder.join(format!("{name}.json"));
    match fs::read(&file) {
        Ok(text) => {
            let read = serde_json::from_slice(&text);
            read.map(Some).map_err(|error| Failure::Asked(format!("{} cannot be read: {error}", file.display())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Figures {
    fn read(folder: &Path) -> Result<Self, Failure> {
        let [many, fast, many_changes, fast_changes] = FOLLOWERS.map(|name| read(folder, name));
        Ok(Self {
            peak: read(folder, "peak")?,
            one: read(folder, "one")?,
            steady: read(folder, "steady")?,
            half: read(folder, "half")?,
            growth: read(folder, "growth")?,
            memory: read(folder, "memory")?,
            passengers: read(folder, "passengers")?,
            projection: read(folder, "projection")?,
            followers: [many?, fast?, many_changes?, fast_changes?],
            world_day: read(folder, "world-day")?,
        })
    }

    /// What was run, and on what.
    fn circumstances(&self) -> Vec<String> {
        let comparisons = [&self.peak, &self.one, &self.steady, &self.half].into_iter().flatten().map(described);
        let followers = self.followers.iter().flatten().map(described);
        let others = [
            self.growth.as_ref().map(described),
            self.memory.as_ref().map(described),
            self.passengers.as_ref().map(described),
            self.projection.as_ref().map(described),
            self.world_day.as_ref().map(described),
        ];
        comparisons.chain(followers).chain(others.into_iter().flatten()).collect()
    }
}

fn described<R>(report: &Report<R>) -> String {
    let Report { command, began, machine, .. } = report;
    let (cores, load) = (machine.cores, machine.load_before);
    format!(
        "`bench {command}`, {began:.0}, {}, {cores} cores, Linux {}, load {load}",
        machine.processor, machine.kernel
    )
}
