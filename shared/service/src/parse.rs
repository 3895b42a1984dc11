//! Readers for single values of requests, to hand to [`crate::Fields`] and [`crate::Params`].

use std::str::FromStr;

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;

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
}

const FIRST_YEAR: i16 = 1970;
const LAST_YEAR: i16 = 2199;

/// Reads a point in time (RFC 3339 with an offset), to the microsecond: what is finer is cut off.
///
/// # Errors
/// [`InvalidTimestamp`] says what to change.
pub fn timestamp(text: &str) -> Result<Timestamp, InvalidTimestamp> {
    let pieces = Pieces::parse(text).map_err(|_| InvalidTimestamp::Malformed)?;
    if pieces.time().is_none() || pieces.offset().is_none() || pieces.time_zone_annotation().is_some() {
        return Err(InvalidTimestamp::Malformed);
    }
    // Looked at first, since a time can be too far away to be a point in time at all.
    if !(FIRST_YEAR..=LAST_YEAR).contains(&pieces.date().year()) {
        return Err(InvalidTimestamp::OutOfRange);
    }
    let parsed: Timestamp = text.parse().map_err(|_| InvalidTimestamp::Malformed)?;
    Timestamp::from_microsecond(parsed.as_microsecond()).map_err(|_| InvalidTimestamp::OutOfRange)
}
