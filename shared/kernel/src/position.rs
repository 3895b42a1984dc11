use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};

use crate::{Revision, Stream, StreamKey};

/// How far in the streams of the domains something reaches: where a command's events are, or what an answer reflects.
///
/// Its text form is an opaque token to clients, for instance `f12.p40`. It may name streams that its reader does not
/// know: they are carried along.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    /// The newest event that is covered of each stream of which something is claimed, in the order of the keys.
    covered: Vec<(StreamKey, Revision)>,
}

impl Position {
    /// The most streams that a token may name.
    const MAX_STREAMS: usize = 32;

    /// The position that covers one stream up to `revision`; nothing is claimed if there is none.
    #[must_use]
    pub fn at(stream: Stream, revision: Option<Revision>) -> Self {
        Self { covered: revision.map(|revision| (stream.key, revision)).into_iter().collect() }
    }

    /// The newest event of a stream that is covered; `None` if nothing is claimed about it.
    #[must_use]
    pub fn revision_in(&self, stream: Stream) -> Option<Revision> {
        let found = self.covered.binary_search_by_key(&stream.key, |(key, _)| *key).ok()?;
        self.covered.get(found).map(|(_, revision)| *revision)
    }

    /// The position that covers both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (key, revision) in other.covered {
            match self.covered.binary_search_by_key(&key, |(key, _)| *key) {
                Ok(found) => self.covered[found].1 = self.covered[found].1.max(revision),
                Err(place) => self.covered.insert(place, (key, revision)),
            }
        }
        self
    }

    /// The same position, but for one stream, which it covers up to `revision`, or not at all.
    #[must_use]
    pub fn with(mut self, stream: Stream, revision: Option<Revision>) -> Self {
        self.covered.retain(|(key, _)| *key != stream.key);
        self.and(Self::at(stream, revision))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.covered.is_empty() {
            return f.write_str("0");
        }
        for (place, (key, revision)) in self.covered.iter().enumerate() {
            let separator = if place == 0 { "" } else { "." };
            write!(f, "{separator}{key}{revision}")?;
        }
        Ok(())
    }
}

/// As its token.
impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From its token.
impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
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
        let mut covered: Vec<(StreamKey, Revision)> = Vec::new();
        for part in token.split('.') {
            let (key, revision) = parse_part(part)?;
            let is_in_order = covered.last().is_none_or(|(before, _)| *before < key);
            if !is_in_order || covered.len() == Self::MAX_STREAMS {
                return Err(InvalidPosition);
            }
            covered.push((key, revision));
        }
        Ok(Self { covered })
    }
}

fn parse_part(part: &str) -> Result<(StreamKey, Revision), InvalidPosition> {
    let (key, digits) = part.split_at(part.bytes().take_while(u8::is_ascii_lowercase).count());
    let key = StreamKey::new(key).ok_or(InvalidPosition)?;
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(InvalidPosition);
    }
    Ok((key, Revision(digits.parse().map_err(|_| InvalidPosition)?)))
}
