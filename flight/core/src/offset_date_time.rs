use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use shared_kernel::{Described, Schema};

const SECONDS_PER_MINUTE: i32 = 60;
const MINUTES_PER_DAY: i32 = 24 * 60;

/// A point in time, and the offset from UTC that it was given with. The same point in time with another offset is
/// another value.
///
/// Its text form is RFC 3339, such as `2026-05-01T12:30:00+14:00`; without an offset it ends with `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OffsetDateTime {
    at: Timestamp,
    /// Less than a day, in either direction.
    offset_minutes: i16,
}

impl Described for OffsetDateTime {
    fn schema() -> Schema {
        <(Timestamp, Offset)>::schema()
    }
}

impl OffsetDateTime {
    /// A point in time that was given with this offset. RFC 3339 has no form for an offset of a day or more, or one
    /// with seconds: instead of such an offset there is none.
    #[must_use]
    pub fn new(at: Timestamp, offset: Offset) -> Self {
        let seconds = offset.seconds();
        let minutes = if seconds % SECONDS_PER_MINUTE == 0 { seconds / SECONDS_PER_MINUTE } else { 0 };
        Self::with_offset_minutes(at, i16::try_from(minutes).unwrap_or(0))
    }

    /// A point in time that was given with an offset of so many minutes, east of UTC if it is positive. Of a day or
    /// more there is none.
    #[must_use]
    pub fn with_offset_minutes(at: Timestamp, minutes: i16) -> Self {
        let offset_minutes = if i32::from(minutes).abs() < MINUTES_PER_DAY { minutes } else { 0 };
        Self { at, offset_minutes }
    }

    /// A point in time without an offset.
    #[must_use]
    pub const fn utc(at: Timestamp) -> Self {
        Self { at, offset_minutes: 0 }
    }

    /// The point in time.
    #[must_use]
    pub const fn timestamp(self) -> Timestamp {
        self.at
    }

    /// The offset in minutes, east of UTC if it is positive.
    #[must_use]
    pub const fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }
}

impl fmt::Display for OffsetDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Offset::from_seconds(i32::from(self.offset_minutes) * SECONDS_PER_MINUTE) {
            Ok(offset) if offset != Offset::UTC => self.at.display_with_offset(offset).fmt(f),
            // An offset of less than a day is never out of range.
            Ok(_) | Err(_) => self.at.fmt(f),
        }
    }
}

impl FromStr for OffsetDateTime {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = text.parse()?;
        let offset = Pieces::parse(text)?.to_numeric_offset();
        Ok(Self::new(at, offset.unwrap_or(Offset::UTC)))
    }
}

impl Serialize for OffsetDateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OffsetDateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
