//! Readers for single values of requests, to hand to [`crate::Fields`] and [`crate::Params`].

use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;

/// A text is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID, such as 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")]
pub struct InvalidId;

/// Reads an identifier in the usual form of a UUID: 36 characters with hyphens.
///
/// # Errors
/// [`InvalidId`] for anything else.
pub fn id<I: FromStr>(text: &str) -> Result<I, InvalidId> {
    const HYPHENATED_LENGTH: usize = 36;
    if text.len() != HYPHENATED_LENGTH {
        return Err(InvalidId);
    }
    text.parse().map_err(|_| InvalidId)
}

/// A text is not a number that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from {least} to {most}")]
pub struct InvalidNumber {
    /// The least that is allowed.
    pub least: usize,
    /// The most that is allowed.
    pub most: usize,
}

/// Reads a number in this range, in digits alone.
///
/// # Errors
/// [`InvalidNumber`] for anything else.
pub fn whole_number(text: &str, allowed: RangeInclusive<usize>) -> Result<usize, InvalidNumber> {
    let (least, most) = allowed.clone().into_inner();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && allowed.contains(&number) => Ok(number),
        _ => Err(InvalidNumber { least, most }),
    }
}

/// How many values a list in a parameter may have.
pub const MAX_VALUES: usize = 100;

/// A text is not a list of values that are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidList<E> {
    /// One of the values is not.
    #[error("{0}; separate several with commas")]
    Value(E),
    /// There are more than [`MAX_VALUES`].
    #[error("must have at most {MAX_VALUES} values, but has {0}")]
    TooMany(usize),
}

/// Reads values that are separated by commas, each of them with `read`; at least one, and each once if it is repeated.
///
/// # Errors
/// [`InvalidList`] says what to change.
pub fn list<T: PartialEq, E>(text: &str, mut read: impl FnMut(&str) -> Result<T, E>) -> Result<Vec<T>, InvalidList<E>> {
    let given = text.split(',').count();
    if given > MAX_VALUES {
        return Err(InvalidList::TooMany(given));
    }
    let mut values = Vec::with_capacity(given);
    for part in text.split(',') {
        let value = read(part).map_err(InvalidList::Value)?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(values)
}

/// A text is not a point in time that makes sense here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTimestamp {
    /// Not RFC 3339, or without an offset from UTC.
    #[error(
        "must be a date and time with an offset (RFC 3339), such as 2026-05-01T12:30:00Z or 2026-05-01T14:30:00+02:00"
    )]
    Malformed,
    /// Outside the years that are accepted.
    #[error("must be in the years {FIRST_YEAR} to {LAST_YEAR}")]
    OutOfRange,
    /// Right but for the plus sign of its offset, which came as a space: that is what it stands for in a query.
    #[error("must have the plus sign of its offset written as %2B, such as 2026-05-01T14:30:00%2B02:00")]
    UnescapedPlus,
}

const FIRST_YEAR: i16 = 1970;
const LAST_YEAR: i16 = 2199;

/// RFC 3339 has no form for an offset with seconds, or of a day or more.
fn is_rfc3339(offset: &Offset) -> bool {
    offset.seconds() % 60 == 0 && offset.seconds().abs() < 24 * 60 * 60
}

/// Reads a point in time (RFC 3339 with an offset), to the microsecond: what is finer is cut off. Gives the offset too.
///
/// # Errors
/// [`InvalidTimestamp`] says what to change.
pub fn timestamp(text: &str) -> Result<(Timestamp, Offset), InvalidTimestamp> {
    let (exact, offset) = exact_timestamp(text)?;
    let at = Timestamp::from_microsecond(exact.as_microsecond()).map_err(|_| InvalidTimestamp::OutOfRange)?;
    Ok((at, offset))
}

/// Reads a point in time from a query (RFC 3339 with an offset), as exactly as it is given, to the nanosecond.
///
/// # Errors
/// [`InvalidTimestamp`] says what to change.
pub fn instant(text: &str) -> Result<Timestamp, InvalidTimestamp> {
    match exact_timestamp(text) {
        Err(InvalidTimestamp::Malformed) if exact_timestamp(&text.replace(' ', "+")).is_ok() => {
            Err(InvalidTimestamp::UnescapedPlus)
        }
        read => read.map(|(at, _)| at),
    }
}

fn exact_timestamp(text: &str) -> Result<(Timestamp, Offset), InvalidTimestamp> {
    let pieces = Pieces::parse(text).map_err(|_| InvalidTimestamp::Malformed)?;
    if pieces.time().is_none() || pieces.time_zone_annotation().is_some() {
        return Err(InvalidTimestamp::Malformed);
    }
    let offset = pieces.to_numeric_offset().filter(is_rfc3339).ok_or(InvalidTimestamp::Malformed)?;
    // Looked at first, since a time can be too far away to be a point in time at all.
    if !(FIRST_YEAR..=LAST_YEAR).contains(&pieces.date().year()) {
        return Err(InvalidTimestamp::OutOfRange);
    }
    let at: Timestamp = text.parse().map_err(|_| InvalidTimestamp::Malformed)?;
    Ok((at, offset))
}
