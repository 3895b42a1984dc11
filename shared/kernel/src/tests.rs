use super::*;

#[test]
fn undecodable_events_do_not_quote_their_data() {
    let error = decode_json::<u32>("Counted", b"\n \"Ada\"").unwrap_err();
    assert_eq!(error.to_string(), "data of event type \"Counted\" is malformed at line 2, column 6");
}

const GATES: Stream = Stream::new("gate-stream", "g");
const SHOPS: Stream = Stream::new("shop-stream", "s");
const SEATS: Stream = Stream::new("seat-stream", "seat");

/// The position that covers this much of gates, seats and shops.
fn position(revisions: [Option<u64>; 3]) -> Position {
    let streams = [GATES, SEATS, SHOPS].into_iter().zip(revisions);
    let parts = streams.map(|(stream, revision)| Position::at(stream, revision.map(Revision)));
    parts.fold(Position::default(), Position::and)
}

#[test]
fn positions_survive_their_token() {
    let revisions =
        [[None; 3], [Some(0), None, None], [None, Some(7), None], [Some(u64::MAX), None, Some(3)], [Some(1); 3]];
    let tokens = ["0", "g0", "seat7", "g18446744073709551615.s3", "g1.s1.seat1"];
    for (revisions, token) in revisions.into_iter().zip(tokens) {
        let position = position(revisions);
        assert_eq!((position.to_string().as_str(), token.parse()), (token, Ok(position)));
    }
}

#[test]
fn other_texts_are_not_positions() {
    let too_many = (b'a'..=b'z').map(|letter| format!("{0}1.{0}a1", char::from(letter))).collect::<Vec<_>>().join(".");
    let others =
        ["", "f", "f-1", "f+1", "p1.f2", "f1.", "f1.f2", "f1.p2.f3", "1", "F1", "longer1", "f99999999999999999999"];
    for token in others.into_iter().chain(["f1 ", "é1", &too_many]) {
        assert_eq!(token.parse::<Position>(), Err(InvalidPosition), "{token:?}");
    }
}

#[test]
fn positions_combine_to_the_furthest() {
    let combined = position([Some(3), None, Some(9)]).and(position([Some(5), Some(1), None]));
    assert_eq!(combined, position([Some(5), Some(1), Some(9)]));
    assert_eq!([GATES, SEATS].map(|stream| combined.revision_in(stream)), [Some(Revision(5)), Some(Revision(1))]);
    assert_eq!(combined.with(SEATS, None), position([Some(5), None, Some(9)]));
}

#[test]
fn a_token_may_name_streams_that_nobody_here_knows() {
    let carried: Position = "f1.x9".parse().unwrap();
    assert_eq!(carried.and(Position::at(GATES, Some(Revision(4)))).to_string(), "f1.g4.x9");
}

#[test]
fn idempotency_keys_are_short_visible_ascii() {
    assert!(IdempotencyKey::new("order 7/a").is_ok());
    for key in ["", " ", "a\tb", "é", &"x".repeat(256)] {
        assert_eq!(IdempotencyKey::new(key), Err(InvalidIdempotencyKey), "{key:?}");
    }
}
