//! Cursors: how far a reader has come in one of the lists.

use serde::{Deserialize, Serialize};
use shared_kernel::{Position, Revision};
use shared_service::paging::{InvalidCursor, decode_cursor, encode_cursor};

use crate::stream::Log;

/// The last event that its reader has seen of each stream of one list; `None` before the first.
///
/// A cursor names its list and the version of its form, so that it is not taken for a cursor of another list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cursor {
    #[serde(rename = "f1")]
    Flights(Option<Revision>),
    #[serde(rename = "p1")]
    Passengers(Option<Revision>),
    #[serde(rename = "a1")]
    All(Option<Revision>, Option<Revision>),
}

impl Cursor {
    /// The cursor of a reader who has come to `place` in `log`.
    pub(crate) const fn at(log: Log, place: Position) -> Self {
        match log {
            Log::Flights => Self::Flights(place.flight),
            Log::Passengers => Self::Passengers(place.passenger),
            Log::All => Self::All(place.flight, place.passenger),
        }
    }

    /// Where it stands in `log`.
    ///
    /// # Errors
    /// [`InvalidCursor`] if it is a cursor of another list, or of a place that no stream has.
    pub(crate) fn place_in(self, log: Log) -> Result<Position, InvalidCursor> {
        /// The event store counts in signed numbers.
        const LAST_REVISION: Revision = Revision(i64::MAX as u64);
        let place = match (self, log) {
            (Self::Flights(flight), Log::Flights) => Position::in_flight_stream(flight),
            (Self::Passengers(passenger), Log::Passengers) => Position::in_passenger_stream(passenger),
            (Self::All(flight, passenger), Log::All) => Position { flight, passenger },
            _ => return Err(InvalidCursor),
        };
        let exists = place.flight.max(place.passenger) < Some(LAST_REVISION);
        if exists { Ok(place) } else { Err(InvalidCursor) }
    }

    pub(crate) fn encode(self) -> String {
        encode_cursor(&self)
    }

    pub(crate) fn decode(text: &str) -> Result<Self, InvalidCursor> {
        decode_cursor(text)
    }
}
