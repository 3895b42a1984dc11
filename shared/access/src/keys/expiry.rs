use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const LONGEST_DAYS: i64 = 36_500;

/// When a new key ends: after a time such as `90d` or `12h`, at the beginning of a day in UTC such as `2030-01-31`, or at
/// a time such as `2030-01-31T18:00:00+01:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// This long after it was made.
    After(SignedDuration),
    /// At this time.
    At(Timestamp),
}

/// A text does not say when a key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpiry {
    /// It is nothing of the kind.
    #[error("must be like 90d, 12h, 2030-01-31 or 2030-01-31T18:00:00Z, and not beyond 100 years")]
    Malformed,
    /// It is not after now.
    #[error("must be in the future")]
    Past,
}

impl Expiry {
    /// The end of a key that is made at `now`.
    ///
    /// # Errors
    /// [`InvalidExpiry`] if that is not after `now`, or too far away for a time.
    pub fn end(self, now: Timestamp) -> Result<Timestamp, InvalidExpiry> {
        let end = match self {
            Self::After(time) => now.checked_add(time).map_err(|_| InvalidExpiry::Malformed)?,
            Self::At(end) => end,
        };
        if end > now { Ok(end) } else { Err(InvalidExpiry::Past) }
    }
}

impl FromStr for Expiry {
    type Err = InvalidExpiry;

    fn from_str(text: &str) -> Result<Self, InvalidExpiry> {
        let units = [('d', 24), ('h', 1)];
        let span = units.into_iter().find_map(|(unit, hours)| text.strip_suffix(unit).map(|number| (number, hours)));
        if let Some((number, hours)) = span {
            let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
            let hours = number.parse::<i64>().ok().filter(|_| is_number).and_then(|number| number.checked_mul(hours));
            let hours = hours.filter(|hours| *hours <= LONGEST_DAYS * 24).ok_or(InvalidExpiry::Malformed)?;
            return Ok(Self::After(SignedDuration::from_hours(hours)));
        }
        if let Ok(end) = text.parse() {
            return Ok(Self::At(end));
        }
        // A date alone: what follows one would be ignored.
        let date: Date = text.parse().map_err(|_| InvalidExpiry::Malformed)?;
        let beginning = date.to_zoned(TimeZone::UTC).map_err(|_| InvalidExpiry::Malformed)?;
        if date.to_string() == text { Ok(Self::At(beginning.timestamp())) } else { Err(InvalidExpiry::Malformed) }
    }
}
