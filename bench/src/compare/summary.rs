//! What all rounds come to.

use std::collections::BTreeMap;

use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};

use super::round::Round;
use crate::load::{Load, Pace};
use crate::statistics::{Spread, figure};
use crate::system::Subject;

/// A comparison of subjects under one load.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Comparison {
    pub(crate) connections: usize,
    /// Requests a second; `None` for a closed loop.
    pub(crate) rate: Option<f64>,
    pub(crate) seconds: f64,
    pub(crate) subjects: Vec<SubjectFigures>,
}

/// Those of one subject.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubjectFigures {
    pub(crate) subject: Subject,
    pub(crate) per_second: Spread,
    pub(crate) cpu_microseconds: Spread,
    pub(crate) cpu_by_process: BTreeMap<String, Spread>,
    pub(crate) p50_milliseconds: Spread,
    pub(crate) p99_milliseconds: Spread,
    pub(crate) fresh_megabytes: Spread,
    pub(crate) loaded_megabytes: Spread,
    pub(crate) others_cores: Spread,
    pub(crate) failed: u64,
    pub(crate) rounds: Vec<Round>,
}

impl Comparison {
    pub(super) fn new(load: Load, subjects: &[Subject], rounds: &BTreeMap<Subject, Vec<Round>>) -> Self {
        let figures = subjects.iter().filter_map(|subject| SubjectFigures::of(*subject, rounds.get(subject)?));
        let rate = if let Pace::Open(rate) = load.pace { Some(rate) } else { None };
        let seconds = load.duration.as_secs_f64();
        Self { connections: load.connections, rate, seconds, subjects: figures.collect() }
    }

    pub(crate) fn of(&self, subject: Subject) -> Option<&SubjectFigures> {
        self.subjects.iter().find(|figures| figures.subject == subject)
    }

    /// For people: medians, with the least and the most of all rounds.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        let head = ["subject", "requests/s", "to crud", "CPU µs each", "to crud", "p50 ms", "p99 ms", "MB fresh", "MB"];
        table.set_header(head.into_iter().chain(["failed", "other cores"]));
        let crud = self.of(Subject::Crud);
        for figures in &self.subjects {
            let ratio =
                |of: fn(&SubjectFigures) -> f64| crud.map_or_else(String::new, |crud| figure(of(figures) / of(crud)));
            table.add_row([
                figures.subject.name(),
                figures.per_second.to_string(),
                ratio(|figures| figures.per_second.median),
                figures.cpu_microseconds.to_string(),
                ratio(|figures| figures.cpu_microseconds.median),
                figures.p50_milliseconds.to_string(),
                figures.p99_milliseconds.to_string(),
                figure(figures.fresh_megabytes.median),
                figure(figures.loaded_megabytes.median),
                figures.failed.to_string(),
                figure(figures.others_cores.median),
            ]);
        }
        let parts = self.subjects.iter().map(|figures| {
            let parts = figures.cpu_by_process.iter().map(|(name, time)| format!("{name} {}", figure(time.median)));
            format!("CPU µs of {}: {}", figures.subject.name(), parts.collect::<Vec<_>>().join(", "))
        });
        [table.to_string(), String::new()].into_iter().chain(parts).collect::<Vec<_>>().join("\n")
    }
}

impl SubjectFigures {
    fn of(subject: Subject, rounds: &[Round]) -> Option<Self> {
        let spread = |of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of));
        let names = rounds.first()?.cpu_by_process.keys();
        let times = names.filter_map(|name| {
            let times = rounds.iter().filter_map(|round| round.cpu_by_process.get(name).copied());
            Some((name.clone(), Spread::of(times)?))
        });
        Some(Self {
            subject,
            per_second: spread(|round| round.per_second)?,
            cpu_microseconds: spread(|round| round.cpu_microseconds)?,
            cpu_by_process: times.collect(),
            p50_milliseconds: spread(|round| round.p50_milliseconds)?,
            p99_milliseconds: spread(|round| round.p99_milliseconds)?,
            fresh_megabytes: spread(|round| round.fresh_megabytes)?,
            loaded_megabytes: spread(|round| round.loaded_megabytes)?,
            others_cores: spread(|round| round.others_cores)?,
            failed: rounds.iter().map(|round| round.failed).sum(),
            rounds: rounds.to_vec(),
        })
    }
}
