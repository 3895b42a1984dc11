//! Figures beside their targets.

use std::fmt;

use crate::statistics::figure;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// This, or less.
    AtMost(f64),
    /// This, or more.
    AtLeast(f64),
}

/// A figure of a row, in its unit.
pub(super) struct Part {
    /// `None` where it was not measured.
    value: Option<f64>,
    unit: &'static str,
    target: Target,
    /// Whether it was measured under the conditions that the target is for.
    as_meant: bool,
}

/// A row of the table of targets.
pub(super) struct Row {
    pub(super) name: &'static str,
    parts: Vec<Part>,
}

impl Part {
    /// `measured` has the figure, and whether it was measured under the conditions that the target is for.
    pub(super) fn new(measured: Option<(f64, bool)>, unit: &'static str, target: Target) -> Self {
        let (value, as_meant) = (measured.map(|(value, _)| value), measured.is_none_or(|(_, as_meant)| as_meant));
        Self { value, unit, target, as_meant }
    }

    fn measured(&self) -> String {
        self.value.map_or_else(|| "not measured".to_owned(), |value| with_unit(value, self.unit))
    }

    /// Whether the target is met; not a word where that cannot be said.
    fn met(&self) -> &'static str {
        let is_met = |value| match self.target {
            Target::AtMost(most) => value <= most,
            Target::AtLeast(least) => value >= least,
        };
        match self.value.map(is_met) {
            None => "?",
            Some(_) if !self.as_meant => "measured otherwise",
            Some(true) => "yes",
            Some(false) => "no",
        }
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    if unit.is_empty() { figure(value) } else { format!("{} {unit}", figure(value)) }
}

impl Row {
    pub(super) fn new(name: &'static str, parts: impl IntoIterator<Item = Part>) -> Self {
        Self { name, parts: parts.into_iter().collect() }
    }

    /// What its figures should be. One that several have is said once.
    pub(super) fn target(&self) -> String {
        let mut targets: Vec<_> = self.parts.iter().map(|part| part.target.with(part.unit)).collect();
        targets.dedup();
        targets.join("; ")
    }

    fn all(&self, of: impl Fn(&Part) -> String) -> String {
        self.parts.iter().map(of).collect::<Vec<_>>().join("; ")
    }
}

impl Target {
    /// As it is written, with whole numbers as such.
    fn with(self, unit: &str) -> String {
        let (sign, bound) = match self {
            Self::AtMost(most) => ('≤', most),
            Self::AtLeast(least) => ('≥', least),
        };
        let bound = if bound < 1_000.0 { bound.to_string() } else { figure(bound) };
        if unit.is_empty() { format!("{sign} {bound}") } else { format!("{sign} {bound} {unit}") }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (measured, met) = (self.all(Part::measured), self.all(|part| part.met().to_owned()));
        write!(f, "| {} | {measured} | {} | {met} |", self.name, self.target())
    }
}

#[cfg(test)]
mod tests {
    use super::Target::{AtLeast, AtMost};
    use super::{Part, Row};

    #[test]
    fn a_row_says_what_was_measured_beside_its_targets() {
        let parts = [
            Part::new(Some((4.5, true)), "ms", AtMost(5.0)),
            Part::new(Some((199_000.0, true)), "events/s", AtLeast(200_000.0)),
            Part::new(Some((4.5, false)), "ms", AtMost(5.0)),
            Part::new(None, "", AtMost(0.5)),
        ];
        assert_eq!(
            Row::new("P4", parts).to_string(),
            "| P4 | 4.50 ms; 199,000 events/s; 4.50 ms; not measured | ≤ 5 ms; ≥ 200,000 events/s; ≤ 5 ms; ≤ 0.5 | yes; \
             no; measured otherwise; ? |"
        );
    }

    #[test]
    fn a_target_of_several_figures_is_said_once() {
        let part = || Part::new(Some((25.0, true)), "ms", AtMost(25.0));
        let row = Row::new("P12b", [part(), part()]);
        assert_eq!(row.to_string(), "| P12b | 25.0 ms; 25.0 ms | ≤ 25 ms | yes; yes |");
    }
}
