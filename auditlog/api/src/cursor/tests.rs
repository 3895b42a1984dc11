use serde::Serialize;
use serde_json::json;
use shared_kernel::{Order, Position};
use shared_service::paging::encode_cursor;

use super::Cursor;
use crate::place::{Descent, LogPlace};
use crate::stream::Log;

const FLIGHTS: Log = Log::Of(flight_contract::DOMAIN);
const PASSENGERS: Log = Log::Of(passenger_contract::DOMAIN);
const ALL: Log = Log::All(domains::ALL);

fn position(token: &str) -> Position {
    token.parse().unwrap()
}

fn down(top: &str, rest: &str) -> LogPlace {
    LogPlace::Before(Descent { top: position(top), rest: position(rest) })
}

fn read(text: &str, log: Log) -> Option<LogPlace> {
    let order = |cursor: &Cursor| match cursor.place {
        super::StoredPlace::After(_) => Order::OldestFirst,
        super::StoredPlace::Before(_) => Order::NewestFirst,
    };
    let cursor = Cursor::decode(text).unwrap();
    let order = order(&cursor);
    cursor.place_in(log, order).ok()
}

#[test]
fn a_cursor_survives_its_text() {
    for (log, place) in [
        (FLIGHTS, LogPlace::After(position("f7"))),
        (PASSENGERS, LogPlace::After(position("0"))),
        (ALL, LogPlace::After(position("f7.p9"))),
        (ALL, down("f7.p9", "p3")),
    ] {
        assert_eq!(read(&Cursor::at(log, place.clone()).encode(), log), Some(place));
    }
}

#[test]
fn a_cursor_is_of_one_list() {
    let text = Cursor::at(FLIGHTS, LogPlace::After(position("f7"))).encode();
    assert_eq!((read(&text, PASSENGERS), read(&text, ALL)), (None, None));
}

#[test]
fn no_list_has_a_place_in_other_streams_or_beyond_what_a_stream_can_hold() {
    for place in [
        LogPlace::After(position("p7")),
        LogPlace::After(position("f7.x1")),
        LogPlace::After(position("f9223372036854775807")),
        down("f7", "f8"),
        down("f7", "p1"),
    ] {
        assert_eq!(read(&Cursor::at(FLIGHTS, place.clone()).encode(), FLIGHTS), None, "{place:?}");
    }
}

/// What was handed out when there were two streams stays valid for ever.
#[test]
fn cursors_of_the_first_version_are_still_read() {
    for (stored, log, place) in [
        (json!({ "f1": 7 }), FLIGHTS, LogPlace::After(position("f7"))),
        (json!({ "f1": null }), FLIGHTS, LogPlace::After(position("0"))),
        (json!({ "p1": 3 }), PASSENGERS, LogPlace::After(position("p3"))),
        (json!({ "a1": [7, null] }), ALL, LogPlace::After(position("f7"))),
        (json!({ "a1": [7, 9] }), ALL, LogPlace::After(position("f7.p9"))),
        (json!({ "fn1": [7, 2] }), FLIGHTS, down("f7", "f2")),
        (json!({ "pn1": [7, null] }), PASSENGERS, down("p7", "0")),
        (json!({ "an1": [[7, 9], [null, 4]] }), ALL, down("f7.p9", "p4")),
    ] {
        assert_eq!(read(&encode(&stored), log), Some(place), "{stored}");
    }
}

fn encode(stored: &impl Serialize) -> String {
    encode_cursor(stored)
}
