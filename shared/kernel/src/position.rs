use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::Revision;

/// How far in both domains' streams something reaches: where a command's events are, or what an answer reflects.
///
/// Its text form is an opaque token to clients, for instance `f12.p40`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The newest event of `flight-stream` that is covered; `None` if nothing is claimed about it.
    pub flight: Option<Revision>,
    /// The newest event of `passenger-stream` that is covered; `None` if nothing is claimed about it.
    pub passenger: Option<Revision>,
}

impl Position {
    /// A position in `flight-stream` alone.
    #[must_use]
    pub const fn in_flight_stream(revision: Option<Revision>) -> Self {
        Self { flight: revision, passenger: None }
    }

    /// A position in `passenger-stream` alone.
    #[must_use]
    pub const fn in_passenger_stream(revision: Option<Revision>) -> Self {
        Self { flight: None, passenger: revision }
    }

    /// The position that covers both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { flight: self.flight.max(other.flight), passenger: self.passenger.max(other.passenger) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.flight, self.passenger) {
            (Some(flight), Some(passenger)) => write!(f, "f{flight}.p{passenger}"),
            (Some(flight), None) => write!(f, "f{flight}"),
            (None, Some(passenger)) => write!(f, "p{passenger}"),
            (None, None) => f.write_str("0"),
        }
    }
}

/// As its token.
impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text is not a position token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a position that this service has given out; send the Jetbridge-Position of an earlier answer unchanged"
)]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(token: &str) -> Result<Self, Self::Err> {
        if token == "0" {
            return Ok(Self::default());
        }
        let (flight, passenger) = match token.split_once('.') {
            Some((flight, passenger)) => (Some(flight), Some(passenger)),
            None if token.starts_with('f') => (Some(token), None),
            None => (None, Some(token)),
        };
        Ok(Self { flight: part('f', flight)?, passenger: part('p', passenger)? })
    }
}

fn part(prefix: char, part: Option<&str>) -> Result<Option<Revision>, InvalidPosition> {
    let Some(part) = part else { return Ok(None) };
    let digits = part.strip_prefix(prefix).ok_or(InvalidPosition)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidPosition);
    }
    digits.parse().map(|revision| Some(Revision(revision))).map_err(|_| InvalidPosition)
}
