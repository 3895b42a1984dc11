//! Points in time, as RFC 3339 writes them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// A text is not a point in time that makes sense here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTimestamp {
    /// Not as RFC 3339, section 5.6, writes it: without seconds or an offset from UTC, for instance.
    #[error(
        "must be a date and time with an offset (RFC 3339), such as 2026-05-01T12:30:00Z or 2026-05-01T14:30:00+02:00"
    )]
    Malformed,
    /// There is no such day, or no such time of day.
    #[error("must be a day of the calendar and a time of day from 00:00:00 to 23:59:59")]
    NoSuchTime,
    /// A leap second, where there may be one (RFC 3339, section 5.7). A point in time has no form for it.
    #[error("must not be a leap second, which cannot be kept; use second 59 or the next minute")]
    LeapSecond,
    /// RFC 3339 has no form for an offset of a day or more.
    #[error("must have an offset from -23:59 to +23:59")]
    Offset,
    /// What is finer than a microsecond cannot be kept.
    #[error("must not be finer than a microsecond; use at most six digits of a second")]
    TooFine,
    /// What is finer than a nanosecond is no point in time of any clock.
    #[error("must not be finer than a nanosecond; use at most nine digits of a second")]
    FinerThanNanosecond,
    /// Right but for the plus sign of its offset, which came as a space: that is what it stands for in a query.
    #[error("must have the plus sign of its offset written as %2B, such as 2026-05-01T14:30:00%2B02:00")]
    UnescapedPlus,
    /// Outside the years that are accepted.
    #[error("must be in the years 1970 to 2199")]
    OutOfRange,
}

/// With the day before, which still is in 1970 somewhere: a point in time is accepted or not whatever its offset, so that
/// one is taken back however it is shown.
const AFTER: Timestamp = Timestamp::constant(-DAY, 0);
/// The end of 2199, with the day after.
const BEFORE: Timestamp = Timestamp::constant(7_258_118_400 + DAY, 0);
const DAY: i64 = 24 * 60 * 60;
/// What the digits after the point stand for.
const NANOSECONDS_OF_DIGIT: [i32; 9] = [100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
const MICROSECOND_DIGITS: usize = 6;

/// Reads a point in time (RFC 3339 with an offset), to the microsecond. Gives the offset too; that of `Z` and `-00:00`,
/// which mean the same (RFC 9557, section 2.2), is none.
///
/// # Errors
/// [`InvalidTimestamp`] says what to change.
pub fn timestamp(text: &str) -> Result<(Timestamp, Offset), InvalidTimestamp> {
    read(text, MICROSECOND_DIGITS)
}

/// Reads a point in time from a query, as [`timestamp`] does, to the nanosecond.
///
/// # Errors
/// [`InvalidTimestamp`] says what to change.
pub fn instant(text: &str) -> Result<Timestamp, InvalidTimestamp> {
    let with_plus = || text.rsplit_once(' ').map(|(before, after)| format!("{before}+{after}"));
    match read(text, NANOSECONDS_OF_DIGIT.len()) {
        Ok((at, _)) => Ok(at),
        Err(InvalidTimestamp::TooFine) => Err(InvalidTimestamp::FinerThanNanosecond),
        Err(InvalidTimestamp::Malformed)
            if with_plus().is_some_and(|text| read(&text, NANOSECONDS_OF_DIGIT.len()).is_ok()) =>
        {
            Err(InvalidTimestamp::UnescapedPlus)
        }
        Err(error) => Err(error),
    }
}

/// `digits` of a second are kept.
fn read(text: &str, digits: usize) -> Result<(Timestamp, Offset), InvalidTimestamp> {
    let written = Written::read(text.as_bytes()).ok_or(InvalidTimestamp::Malformed)?;
    let offset = written.offset()?;
    let date = Date::new(written.year, written.month, written.day).map_err(|_| InvalidTimestamp::NoSuchTime)?;
    let is_leap = written.second == 60;
    let second = if is_leap { 59 } else { written.second };
    let time = Time::new(written.hour, written.minute, second, written.nanoseconds(digits)?);
    let local = DateTime::from_parts(date, time.map_err(|_| InvalidTimestamp::NoSuchTime)?);
    let at = offset.to_timestamp(local).map_err(|_| InvalidTimestamp::OutOfRange)?;
    if is_leap {
        return Err(if ends_half_year(at) { InvalidTimestamp::LeapSecond } else { InvalidTimestamp::NoSuchTime });
    }
    if AFTER < at && at < BEFORE { Ok((at, offset)) } else { Err(InvalidTimestamp::OutOfRange) }
}

/// Whether a leap second may come after this second.
fn ends_half_year(at: Timestamp) -> bool {
    let utc = Offset::UTC.to_datetime(at);
    matches!((utc.month(), utc.day(), utc.hour(), utc.minute()), (6, 30, 23, 59) | (12, 31, 23, 59))
}

/// The numbers of a point in time, as they are written.
struct Written<'a> {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    /// Digits after the point.
    fraction: &'a [u8],
    /// East of UTC or west of it, hours and minutes.
    offset: (i32, i8, i8),
}

impl<'a> Written<'a> {
    /// Section 5.6, also with a space instead of the `T`, as its note allows.
    fn read(text: &'a [u8]) -> Option<Self> {
        let mut rest = Rest(text);
        let year = i16::from(rest.two_digits()?) * 100 + i16::from(rest.two_digits()?);
        let month = rest.after(b"-")?.two_digits()?;
        let day = rest.after(b"-")?.two_digits()?;
        let hour = rest.after(b"Tt ")?.two_digits()?;
        let minute = rest.after(b":")?.two_digits()?;
        let second = rest.after(b":")?.two_digits()?;
        let fraction = match rest.after(b".") {
            Some(rest) => rest.digits()?,
            None => &[],
        };
        let offset = match rest.one_of(b"Zz+-")? {
            b'+' => (1, rest.two_digits()?, rest.after(b":")?.two_digits()?),
            b'-' => (-1, rest.two_digits()?, rest.after(b":")?.two_digits()?),
            _ => (1, 0, 0),
        };
        rest.0.is_empty().then_some(Self { year, month, day, hour, minute, second, fraction, offset })
    }

    fn offset(&self) -> Result<Offset, InvalidTimestamp> {
        let (direction, hours, minutes) = self.offset;
        if hours > 23 || minutes > 59 {
            return Err(InvalidTimestamp::Offset);
        }
        let seconds = direction * (i32::from(hours) * 60 + i32::from(minutes)) * 60;
        Offset::from_seconds(seconds).map_err(|_| InvalidTimestamp::Offset)
    }

    fn nanoseconds(&self, digits: usize) -> Result<i32, InvalidTimestamp> {
        let kept = self.fraction.len().min(digits);
        if self.fraction[kept..].iter().any(|digit| *digit != b'0') {
            return Err(InvalidTimestamp::TooFine);
        }
        let digits = self.fraction.iter().zip(NANOSECONDS_OF_DIGIT);
        Ok(digits.map(|(digit, nanoseconds)| i32::from(digit - b'0') * nanoseconds).sum())
    }
}

/// What was not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        allowed.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    /// What comes after one of these.
    fn after(&mut self, allowed: &[u8]) -> Option<&mut Self> {
        self.one_of(allowed)?;
        Some(self)
    }

    fn two_digits(&mut self) -> Option<i8> {
        let (tens, ones) = (self.one_of(b"0123456789")?, self.one_of(b"0123456789")?);
        i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok()
    }

    /// One or more.
    fn digits(&mut self) -> Option<&'a [u8]> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (found, rest) = self.0.split_at(digits);
        self.0 = rest;
        (!found.is_empty()).then_some(found)
    }
}
