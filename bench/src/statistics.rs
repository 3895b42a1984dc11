//! Figures of several rounds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The figure in the middle of all rounds, and those at the ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` without figures. Of an even number, the median is between the two in the middle.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (below, above) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self { median: f64::midpoint(below, above), min, max })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}–{})", figure(self.median), figure(self.min), figure(self.max))
    }
}

/// A figure with about three digits that count, and with separators where it is large.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        size if size < 10_000.0 => format!("{value:.0}"),
        _ => {
            let digits = format!("{value:.0}");
            let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
            let first = digits.len() % 3;
            let groups = digits.as_bytes()[first..].chunks(3).map(String::from_utf8_lossy);
            let groups = (first > 0).then(|| digits[..first].into()).into_iter().chain(groups).collect::<Vec<_>>();
            format!("{sign}{}", groups.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Spread, figure};

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |figures: &[f64]| Spread::of(figures.iter().copied());
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[3.0, 1.0, 9.0]), Some(Spread { median: 3.0, min: 1.0, max: 9.0 }));
        assert_eq!(spread(&[4.0, 1.0, 9.0, 2.0]), Some(Spread { median: 3.0, min: 1.0, max: 9.0 }));
    }

    #[test]
    fn figures_have_three_digits_or_separators() {
        let figures = [0.0, 0.123, 12.34, 123.4, 1234.5, 12_345.0, 1_234_567.0, -12_345.0].map(figure);
        assert_eq!(figures, ["0", "0.12", "12.3", "123", "1234", "12,345", "1,234,567", "-12,345"]);
    }
}
