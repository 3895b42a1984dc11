//! The table of `documentation/performance.md`, made of what `bench/measure` has written down.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::DeserializeOwned;

use crate::compare::{Comparison, SubjectFigures};
use crate::failure::Failure;
use crate::growth::{self, Growth, Step};
use crate::report::Report;
use crate::statistics::figure;
use crate::system::Subject::{self, CqrsEs, Crud, Direct, Gateway, OneProcess};

/// Where the figures are.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folder with the files that bench/measure has written
    #[arg(value_name = "FOLDER", default_value = "target/bench")]
    folder: PathBuf,
}

/// All measurements; `None` for one that was not made.
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
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let figures = Figures {
        peak: read(folder, "peak")?,
        one: read(folder, "one")?,
        steady: read(folder, "steady")?,
        half: read(folder, "half")?,
        growth: read(folder, "growth")?,
    };
    let mut out = io::stdout().lock();
    writeln!(out, "| # | measured |\n|---|---|")?;
    for (row, measured) in figures.rows() {
        writeln!(out, "| {row} | {} |", measured.unwrap_or_else(|| "not measured".to_owned()))?;
    }
    for line in figures.circumstances() {
        writeln!(out, "\n{line}")?;
    }
    Ok(())
}

/// `None` if there is no such file.
fn read<R: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<Report<R>>, Failure> {
    match fs::read(folder.join(format!("{name}.json"))) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// How much of something one subject has for each that the other has, by medians.
fn ratio(
    comparison: Option<&Report<Comparison>>,
    of: [Subject; 2],
    what: fn(&SubjectFigures) -> f64,
) -> Option<String> {
    let results = &comparison?.results;
    let [one, other] = of.map(|subject| results.of(subject).map(what));
    Some(figure(one? / other?))
}

const CPU: fn(&SubjectFigures) -> f64 = |figures| figures.cpu_microseconds.median;
const RATE: fn(&SubjectFigures) -> f64 = |figures| figures.per_second.median;
const P50: fn(&SubjectFigures) -> f64 = |figures| figures.p50_milliseconds.median;
const P99: fn(&SubjectFigures) -> f64 = |figures| figures.p99_milliseconds.median;

impl Figures {
    fn rows(&self) -> Vec<(&'static str, Option<String>)> {
        let (peak, steady, half) = (self.peak.as_ref(), self.steady.as_ref(), self.half.as_ref());
        let all =
            |parts: &[Option<String>]| parts.iter().cloned().collect::<Option<Vec<_>>>().map(|all| all.join("; "));
        let memory = || {
            let one = peak?.results.of(OneProcess)?;
            Some(format!("{} MB fresh", figure(one.fresh_megabytes.median)))
        };
        vec![
            ("P1", ratio(peak, [Direct, Crud], CPU)),
            ("P1r", ratio(peak, [Direct, Crud], RATE)),
            ("P2", all(&[ratio(peak, [Gateway, Crud], CPU), ratio(peak, [Gateway, Crud], RATE)])),
            ("P2b", all(&[ratio(steady, [Direct, Crud], CPU), ratio(steady, [Gateway, Crud], CPU)])),
            ("P3", all(&[ratio(half, [Direct, Crud], P99), ratio(half, [Gateway, Crud], P99)])),
            ("P3b", ratio(self.one.as_ref(), [Direct, Crud], P50)),
            ("P5", self.poll()),
            (
                "P6",
                self.largest().map(|step| {
                    let (start, memory) = (figure(step.start_seconds), figure(step.program_megabytes));
                    format!("{start} s; {memory} MB at {} flights", figure(step.events as f64))
                }),
            ),
            ("P6c", self.largest().map(|step| figure(step.disk_bytes))),
            ("P7", ratio(peak, [Direct, CqrsEs], RATE)),
            ("P8", memory()),
            (
                "P14",
                self.largest().map(|step| {
                    format!("{} ms at {} flights", figure(growth::slowest(step)), figure(step.events as f64))
                }),
            ),
        ]
    }

    fn largest(&self) -> Option<&Step> {
        self.growth.as_ref()?.results.steps.last()
    }

    /// The audit poll with the most events against that with the fewest.
    fn poll(&self) -> Option<String> {
        let poll = |step: &Step| step.queries.get(growth::POLL).map(|latency| latency.p50_milliseconds);
        let steps = &self.growth.as_ref()?.results.steps;
        Some(figure(poll(steps.last()?)? / poll(steps.first()?)?))
    }

    fn circumstances(&self) -> Vec<String> {
        let comparisons = [&self.peak, &self.one, &self.steady, &self.half].into_iter().flatten();
        let growth = self.growth.iter().map(described);
        comparisons.map(described).chain(growth).collect()
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
