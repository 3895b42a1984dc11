//! What the airport looks like when somebody comes in: flights in all stages, at about the right time of the day.

use std::collections::HashSet;
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, RngExt};

use super::airport::{self, Details, FLIGHTS, Stage};
use super::people;

/// A flight, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) details: Details,
    /// Those who have checked in.
    pub(crate) names: Vec<String>,
    /// How many of them have boarded.
    pub(crate) boarded: usize,
    pub(crate) stage: Stage,
}

/// How far flights have come that leave in so many minutes.
struct Group {
    stage: Stage,
    minutes: Range<i64>,
    checked_in_percent: Range<usize>,
    boarded_percent: Range<usize>,
}

/// Of every eight flights, one is in each of these.
const GROUPS: [Group; 8] = [
    group(Stage::AtTheGate, 0..10, 100..101, 20..90),
    group(Stage::AtTheGate, 15..30, 50..100, 0..1),
    group(Stage::InTheAir, -30..-5, 100..101, 100..101),
    group(Stage::AtTheGate, 90..300, 0..30, 0..1),
    group(Stage::AtTheGate, 10..20, 60..100, 0..1),
    group(Stage::Landed, -60..-35, 100..101, 100..101),
    group(Stage::AtTheGate, 20..45, 50..90, 0..1),
    group(Stage::AtTheGate, -5..5, 100..101, 100..101),
];

const fn group(
    stage: Stage,
    minutes: Range<i64>,
    checked_in_percent: Range<usize>,
    boarded_percent: Range<usize>,
) -> Group {
    Group { stage, minutes, checked_in_percent, boarded_percent }
}

/// As many flights as are missing, with numbers that are not taken.
pub(crate) fn plan(now: Timestamp, taken: impl IntoIterator<Item = String>, rng: &mut impl Rng) -> Vec<Opening> {
    let mut taken: HashSet<String> = taken.into_iter().collect();
    let missing = FLIGHTS.saturating_sub(taken.len());
    let mut openings = Vec::with_capacity(missing);
    for group in GROUPS.iter().cycle().take(missing) {
        let departure = now + SignedDuration::from_mins(rng.random_range(group.minutes.clone()));
        let details = airport::details(departure, |number| taken.contains(number), rng);
        taken.insert(details.number.clone());
        let seats = airport::seats(&details.number);
        let checked_in = seats * rng.random_range(group.checked_in_percent.clone()) / 100;
        let boarded = checked_in * rng.random_range(group.boarded_percent.clone()) / 100;
        let names = std::iter::repeat_with(|| people::name(rng)).take(checked_in).collect();
        openings.push(Opening { details, names, boarded, stage: group.stage });
    }
    openings
}

#[cfg(test)]
mod tests;
