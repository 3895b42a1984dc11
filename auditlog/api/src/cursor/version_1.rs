//! Cursors in the form that they had when there were two streams. They are still read, and not handed out any more.

use flight_contract::STREAM as FLIGHTS;
use passenger_contract::STREAM as PASSENGERS;
use serde::Deserialize;
use shared_kernel::{Position, Revision};

use super::{Cursor, StoredPlace};
use crate::place::Descent;

type Revisions = Option<Revision>;

#[derive(Deserialize)]
pub(super) enum CursorV1 {
    /// Oldest first: the last event that its reader has seen of each stream of the list.
    #[serde(rename = "f1")]
    Flights(Revisions),
    #[serde(rename = "p1")]
    Passengers(Revisions),
    #[serde(rename = "a1")]
    All(Revisions, Revisions),
    /// Newest first: the newest event of each stream of the list when its reader began, and then the newest that is
    /// still to come.
    #[serde(rename = "fn1")]
    FlightsDown(Revisions, Revisions),
    #[serde(rename = "pn1")]
    PassengersDown(Revisions, Revisions),
    #[serde(rename = "an1")]
    AllDown([Revisions; 2], [Revisions; 2]),
}

impl From<CursorV1> for Cursor {
    fn from(cursor: CursorV1) -> Self {
        let flights = |revision| Position::at(FLIGHTS, revision);
        let passengers = |revision| Position::at(PASSENGERS, revision);
        let all = |[flight, passenger]: [Revisions; 2]| flights(flight).and(passengers(passenger));
        let down = |top, rest| StoredPlace::Before(Descent { top, rest });
        let (list, place) = match cursor {
            CursorV1::Flights(seen) => ("flights", StoredPlace::After(flights(seen))),
            CursorV1::Passengers(seen) => ("passengers", StoredPlace::After(passengers(seen))),
            CursorV1::All(flight, passenger) => ("all", StoredPlace::After(all([flight, passenger]))),
            CursorV1::FlightsDown(top, rest) => ("flights", down(flights(top), flights(rest))),
            CursorV1::PassengersDown(top, rest) => ("passengers", down(passengers(top), passengers(rest))),
            CursorV1::AllDown(top, rest) => ("all", down(all(top), all(rest))),
        };
        Self { list: list.to_owned(), place }
    }
}
