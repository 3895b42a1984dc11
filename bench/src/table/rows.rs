//! The rows of the table of targets.

use super::Figures;
use super::part::Target::{AtLeast, AtMost};
use super::part::{Part, Row};
use crate::compare::{Comparison, SubjectFigures};
use crate::followers::Followers;
use crate::growth::{self, Growth, Step};
use crate::passengers;
use crate::report::Report;
use crate::system::Subject::{self, CqrsEs, Crud, Direct, Gateway};

/// What targets are for.
const CONNECTIONS: usize = 64;
const STEADY_RATE: f64 = 1_000.0;
const EVENTS: u64 = 1_000_000;
const FEWEST_EVENTS: u64 = 1_000;
/// Of each thing, so that what varies between two starts does not count.
const ENOUGH: u64 = 500_000;

const CPU: fn(&SubjectFigures) -> f64 = |figures| figures.cpu_microseconds.median;
const RATE: fn(&SubjectFigures) -> f64 = |figures| figures.per_second.median;
const P50: fn(&SubjectFigures) -> f64 = |figures| figures.p50_milliseconds.median;
const P99: fn(&SubjectFigures) -> f64 = |figures| figures.p99_milliseconds.median;

/// A figure, and whether it was measured as it is meant.
type Measured = Option<(f64, bool)>;

/// Of one comparison, how much one subject has of something for each that the other has, by medians.
fn ratio(
    comparison: Option<&Report<Comparison>>,
    is_meant: fn(&Comparison) -> bool,
    of: [Subject; 2],
    what: fn(&SubjectFigures) -> f64,
) -> Measured {
    let results = &comparison?.results;
    let [one, other] = of.map(|subject| results.of(subject).map(what));
    Some((one? / other?, is_meant(results)))
}

impl Figures {
    /// In the order of their names.
    pub(super) fn rows(&self) -> Vec<Row> {
        let parts = [self.comparisons(), self.projection(), self.growth(), self.others()];
        let mut rows: Vec<_> = parts.into_iter().flatten().collect();
        rows.sort_by_key(|row| order(row.name));
        rows
    }

    fn comparisons(&self) -> Vec<Row> {
        let peak = |of, what| {
            ratio(self.peak.as_ref(), |peak| peak.connections == CONNECTIONS && peak.rate.is_none(), of, what)
        };
        let steady = |of| ratio(self.steady.as_ref(), |steady| steady.rate == Some(STEADY_RATE), of, CPU);
        let half = |of| ratio(self.half.as_ref(), |half| half.rate.is_some(), of, P99);
        let one = ratio(self.one.as_ref(), |one| one.connections == 1, [Direct, Crud], P50);
        let (direct, gateway) = ([Direct, Crud], [Gateway, Crud]);
        let of = |measured, target| Part::new(measured, "", target);
        vec![
            Row::new("P1", [of(peak(direct, CPU), AtMost(0.5))]),
            Row::new("P1r", [of(peak(direct, RATE), AtLeast(1.5))]),
            Row::new("P2", [of(peak(gateway, CPU), AtMost(0.75)), of(peak(gateway, RATE), AtLeast(1.15))]),
            Row::new("P2b", [of(steady(direct), AtMost(1.5)), of(steady(gateway), AtMost(1.8))]),
            Row::new("P3", [of(half(direct), AtMost(1.0)), of(half(gateway), AtMost(2.0))]),
            Row::new("P3b", [of(one, AtMost(1.3))]),
            Row::new("P7", [of(peak([Direct, CqrsEs], RATE), AtLeast(8.0))]),
        ]
    }

    fn projection(&self) -> Vec<Row> {
        let projection = self.projection.as_ref().map(|report| &report.results);
        let lag = projection.map(|all| (all.lag.p99_milliseconds, all.lag.rate >= 5_000.0 && all.lag.failed == 0));
        let rebuild = projection.and_then(|all| all.rebuilds.first());
        let rebuild = rebuild.map(|rebuild| (rebuild.events_per_second, rebuild.events >= EVENTS));
        vec![Row::new("P4", [Part::new(lag, "ms", AtMost(5.0)), Part::new(rebuild, "events/s", AtLeast(200_000.0))])]
    }

    fn growth(&self) -> Vec<Row> {
        let growth = self.growth.as_ref().map(|report| &report.results);
        let largest = |of: fn(&Step) -> f64| {
            let step = growth?.steps.last()?;
            Some((of(step), step.events == EVENTS))
        };
        let cold = growth.map(|all| (all.cold_start.queries_seconds, all.cold_start.events >= EVENTS));
        let snapshot = growth.map(|all| {
            let snapshot = &all.snapshot;
            ((snapshot.most_megabytes / snapshot.before_megabytes - 1.0) * 100.0, snapshot.events >= EVENTS)
        });
        vec![
            Row::new("P4b", [Part::new(cold, "s", AtMost(10.0))]),
            Row::new("P5", [Part::new(growth.and_then(poll), "", AtMost(1.1))]),
            Row::new(
                "P6",
                [
                    Part::new(largest(|step| step.start_seconds), "s", AtMost(1.0)),
                    Part::new(largest(|step| step.program_megabytes), "MB", AtMost(200.0)),
                    Part::new(snapshot, "% more", AtMost(10.0)),
                ],
            ),
            Row::new("P6c", [Part::new(largest(|step| step.disk_bytes), "", AtMost(250.0))]),
            Row::new("P14", [Part::new(largest(growth::slowest), "ms", AtMost(5.0))]),
        ]
    }

    fn others(&self) -> Vec<Row> {
        let memory = self.memory.as_ref().map(|report| &report.results);
        let each = |of: fn(&crate::memory::Each) -> f64| {
            memory.map(|memory| (of(&memory.each), memory.stages.number >= ENOUGH))
        };
        let fresh = memory.map(|memory| (memory.fresh_megabytes, true));
        let later =
            memory.map(|memory| (memory.later_megabytes, memory.commands == 100_000 && memory.rest_seconds == 60));
        let passengers = self.passengers.as_ref().map(|report| &report.results);
        let ratio = |name| passengers.and_then(|all| Some((all.ratio(name)?, all.connections == CONNECTIONS)));
        let reaction = |name| passengers.and_then(|all| all.reaction(name)).map(|(of, time)| (time, of == 5_000));
        let [many, fast, many_changes, fast_changes] = &self.followers;
        let to = |report: &Option<Report<Followers>>, followers, rate| {
            let all = &report.as_ref()?.results;
            Some((all.p99_milliseconds, all.followers == followers && all.rate == rate && all.failed == 0))
        };
        let to_many = |report| Part::new(to(report, 1_000, 200.0), "ms", AtMost(50.0));
        let to_fast = |report| Part::new(to(report, 200, 1_000.0), "ms", AtMost(50.0));
        vec![
            Row::new(
                "P6b",
                [
                    Part::new(each(|each| each.flight), "", AtMost(200.0)),
                    Part::new(each(|each| each.passenger), "", AtMost(128.0)),
                    Part::new(each(|each| each.key), "", AtMost(96.0)),
                ],
            ),
            Row::new("P8", [Part::new(fresh, "MB", AtMost(90.0)), Part::new(later, "MB", AtMost(120.0))]),
            Row::new(
                "P9",
                [
                    Part::new(ratio(passengers::ADD), "", AtLeast(0.85)),
                    Part::new(ratio(passengers::BOARD), "", AtLeast(0.95)),
                ],
            ),
            Row::new("P12", [Part::new(ratio(passengers::CROWDED), "", AtLeast(0.95))]),
            Row::new(
                "P12b",
                [passengers::LAND, passengers::DELETE].map(|name| Part::new(reaction(name), "ms", AtMost(25.0))),
            ),
            Row::new("P15", [to_many(many), to_fast(fast), to_many(many_changes), to_fast(fast_changes)]),
            self.world_day(),
        ]
    }

    fn world_day(&self) -> Row {
        let of = |what: fn(&crate::world_day::Day) -> f64| {
            let day = &self.world_day.as_ref()?.results;
            Some((what(day), day.flights == 100_000 && day.verify.clean))
        };
        Row::new(
            "P16",
            [
                Part::new(of(|day| day.seconds / 60.0), "min", AtMost(60.0)),
                Part::new(of(|day| day.peak_megabytes / 1e3), "GB of memory", AtMost(2.0)),
                Part::new(of(|day| day.disk_megabytes / 1e3), "GB of disk", AtMost(20.0)),
            ],
        )
    }
}

/// Of a name such as `P12b`, the number and what follows it.
fn order(name: &str) -> (u32, &str) {
    let number = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let rest = number.trim_start_matches(|letter: char| letter.is_ascii_digit());
    (number[..number.len() - rest.len()].parse().unwrap_or_default(), rest)
}

/// The audit poll with the most events against that with the fewest.
fn poll(growth: &Growth) -> Measured {
    let poll = |step: &Step| step.queries.get(growth::POLL).map(|latency| latency.p50_milliseconds);
    let (fewest, most) = (growth.steps.first()?, growth.steps.last()?);
    Some((poll(most)? / poll(fewest)?, fewest.events == FEWEST_EVENTS && most.events == EVENTS))
}

#[cfg(test)]
mod tests {
    use super::super::Figures;

    const DOCUMENT: &str = include_str!("../../../documentation/performance.md");

    /// Name, target and command of the rows in the document.
    fn documented() -> Vec<[&'static str; 3]> {
        let targets = DOCUMENT.split("\n## ").find(|section| section.starts_with("Targets")).unwrap();
        let rows = targets.lines().filter(|line| line.starts_with("| P"));
        rows.map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            [cells[1], cells[4], cells[5]]
        })
        .collect()
    }

    #[test]
    fn the_document_has_the_same_targets() {
        let rows: Vec<_> = Figures::default().rows().iter().map(|row| (row.name, row.target())).collect();
        let documented: Vec<_> = documented().into_iter().map(|[name, target, _]| (name, target.to_owned())).collect();
        assert_eq!(rows, documented);
    }

    #[test]
    fn every_row_in_the_document_has_a_command() {
        for [name, _, command] in documented() {
            assert!(command.starts_with('`'), "{name} is measured by {command}");
        }
    }
}
