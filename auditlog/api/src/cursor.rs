//! Cursors: places in the lists, as clients keep them.

use serde::{Deserialize, Serialize};
use shared_kernel::{Order, Position, Revision};
use shared_service::paging::{InvalidCursor, decode_cursor, encode_cursor};

use crate::place::{Descent, Place};
use crate::stream::{DomainStream, Log};

/// A place in one list, read in one order.
///
/// A cursor names its list, the order and the version of its form, so that it is not taken for a cursor of another list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cursor {
    /// Oldest first: the last event that its reader has seen of each stream of the list; `None` before the first.
    #[serde(rename = "f1")]
    Flights(Option<Revision>),
    #[serde(rename = "p1")]
    Passengers(Option<Revision>),
    #[serde(rename = "a1")]
    All(Option<Revision>, Option<Revision>),
    /// Newest first: the newest event of each stream of the list when its reader began, and then the newest that is still
    /// to come.
    #[serde(rename = "fn1")]
    FlightsDown(Option<Revision>, Option<Revision>),
    #[serde(rename = "pn1")]
    PassengersDown(Option<Revision>, Option<Revision>),
    #[serde(rename = "an1")]
    AllDown([Option<Revision>; 2], [Option<Revision>; 2]),
}

impl Cursor {
    /// The cursor of a reader who has come to `place` in `log`.
    pub(crate) const fn at(log: Log, place: Place) -> Self {
        match (log, place) {
            (Log::Flights, Place::After(seen)) => Self::Flights(seen.flight),
            (Log::Passengers, Place::After(seen)) => Self::Passengers(seen.passenger),
            (Log::All, Place::After(seen)) => Self::All(seen.flight, seen.passenger),
            (Log::Flights, Place::Before(Descent { top, rest })) => Self::FlightsDown(top.flight, rest.flight),
            (Log::Passengers, Place::Before(Descent { top, rest })) => {
                Self::PassengersDown(top.passenger, rest.passenger)
            }
            (Log::All, Place::Before(Descent { top, rest })) => {
                Self::AllDown([top.flight, top.passenger], [rest.flight, rest.passenger])
            }
        }
    }

    /// Where it stands in `log`, read in `order`.
    ///
    /// # Errors
    /// [`InvalidCursor`] if it is a cursor of another list or order, or of a place that no stream has.
    pub(crate) fn place_in(self, log: Log, order: Order) -> Result<Place, InvalidCursor> {
        match order {
            Order::OldestFirst => self.position_in(log).map(Place::After),
            Order::NewestFirst => self.descent_in(log).map(Place::Before),
        }
    }

    /// Where it stands in `log`, read oldest first.
    ///
    /// # Errors
    /// As [`Cursor::place_in`].
    pub(crate) fn position_in(self, log: Log) -> Result<Position, InvalidCursor> {
        let position = match (self, log) {
            (Self::Flights(flight), Log::Flights) => Position::in_flight_stream(flight),
            (Self::Passengers(passenger), Log::Passengers) => Position::in_passenger_stream(passenger),
            (Self::All(flight, passenger), Log::All) => Position { flight, passenger },
            _ => return Err(InvalidCursor),
        };
        if can_exist(position) { Ok(position) } else { Err(InvalidCursor) }
    }

    fn descent_in(self, log: Log) -> Result<Descent, InvalidCursor> {
        let (top, rest) = match (self, log) {
            (Self::FlightsDown(top, rest), Log::Flights) => {
                (Position::in_flight_stream(top), Position::in_flight_stream(rest))
            }
            (Self::PassengersDown(top, rest), Log::Passengers) => {
                (Position::in_passenger_stream(top), Position::in_passenger_stream(rest))
            }
            (Self::AllDown(top, rest), Log::All) => {
                let position = |[flight, passenger]: [_; 2]| Position { flight, passenger };
                (position(top), position(rest))
            }
            _ => return Err(InvalidCursor),
        };
        let goes_down = DomainStream::BOTH.iter().all(|stream| stream.revision_in(rest) <= stream.revision_in(top));
        if can_exist(top) && goes_down { Ok(Descent { top, rest }) } else { Err(InvalidCursor) }
    }

    pub(crate) fn encode(self) -> String {
        encode_cursor(&self)
    }

    pub(crate) fn decode(text: &str) -> Result<Self, InvalidCursor> {
        decode_cursor(text)
    }
}

fn can_exist(position: Position) -> bool {
    /// The event store counts in signed numbers.
    const LAST_REVISION: Revision = Revision(i64::MAX as u64);
    position.flight.max(position.passenger) < Some(LAST_REVISION)
}
