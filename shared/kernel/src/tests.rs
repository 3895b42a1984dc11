use super::*;

type Short = Text<10>;

#[test]
fn text_is_trimmed_and_otherwise_unchanged() {
    assert_eq!(Short::new("  JB 101\t").unwrap().as_str(), "JB 101");
    assert_eq!(Short::new("Ŵ\u{301}").unwrap().as_str(), "Ŵ\u{301}");
}

#[test]
fn text_limits_count_characters_not_bytes() {
    assert!(Short::new("漢漢漢漢漢漢漢漢漢漢").is_ok());
    assert_eq!(Short::new("12345678901"), Err(InvalidText::TooLong { max: 10, actual: 11 }));
}

#[test]
fn text_refuses_what_cannot_be_shown() {
    assert_eq!(Short::new(" \u{a0} "), Err(InvalidText::Empty));
    assert_eq!(Short::new("a\0b"), Err(InvalidText::ControlCharacter('\0')));
    assert_eq!(Short::new("a\nb"), Err(InvalidText::ControlCharacter('\n')));
    assert_eq!(Short::new("a\u{85}b"), Err(InvalidText::ControlCharacter('\u{85}')));
    assert_eq!(Short::new("a\u{2028}b"), Err(InvalidText::ControlCharacter('\u{2028}')));
}

#[test]
fn text_does_not_reach_debug_output() {
    assert_eq!(format!("{:?}", Short::new("Ada").unwrap()), "Text(3 characters)");
}

#[test]
fn undecodable_events_do_not_quote_their_data() {
    let error = decode_json::<u32>("Counted", b"\n \"Ada\"").unwrap_err();
    assert_eq!(error.to_string(), "data of event type \"Counted\" is malformed at line 2, column 6");
}

#[test]
fn positions_survive_their_token() {
    for (flight, passenger) in [(None, None), (Some(0), None), (None, Some(7)), (Some(u64::MAX), Some(3))] {
        let position = Position { flight: flight.map(Revision), passenger: passenger.map(Revision) };
        assert_eq!(position.to_string().parse(), Ok(position));
    }
}

#[test]
fn other_texts_are_not_positions() {
    for token in ["", "f", "f-1", "f+1", "p1.f2", "f1.", "f1.p2.p3", "x1", "f99999999999999999999", "f1 "] {
        assert_eq!(token.parse::<Position>(), Err(InvalidPosition), "{token:?}");
    }
}

#[test]
fn positions_combine_to_the_furthest() {
    let earlier = Position { flight: Some(Revision(3)), passenger: Some(Revision(9)) };
    let later = Position { flight: Some(Revision(5)), passenger: None };
    assert_eq!(earlier.and(later), Position { flight: Some(Revision(5)), passenger: Some(Revision(9)) });
}

#[test]
fn idempotency_keys_are_short_visible_ascii() {
    assert!(IdempotencyKey::new("order 7/a").is_ok());
    for key in ["", " ", "a\tb", "é", &"x".repeat(256)] {
        assert_eq!(IdempotencyKey::new(key), Err(InvalidIdempotencyKey), "{key:?}");
    }
}
