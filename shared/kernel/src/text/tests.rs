use super::*;

type Short = Text<10>;
type Name = Text<100>;

fn refused(text: &str) -> (u32, usize, TextFault) {
    match Name::new(text) {
        Err(InvalidText::Character { character, position, fault }) => (u32::from(character), position, fault),
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn text_is_trimmed_and_composed_and_otherwise_unchanged() {
    assert_eq!(Short::new("  JB 101\t").unwrap().as_str(), "JB 101");
    assert_eq!(Short::new("\u{3000}a\u{a0} b\u{2003}").unwrap().as_str(), "a\u{a0} b");
    assert_eq!(Short::new("W\u{302}\u{301}").unwrap().as_str(), "Ŵ\u{301}");
    assert_eq!(Short::new("Zoe\u{308}").unwrap(), Short::new("Zoë").unwrap());
    assert_eq!(Short::new("\u{1112}\u{1161}\u{11ab}").unwrap().as_str(), "한");
    for kept in ["ＫＬ１２３", "İstanbul", "ﷺ", "O’Brien", "ﬁ", "½", "A  b"] {
        assert_eq!(Short::new(kept).unwrap().as_str(), kept);
    }
}

#[test]
fn text_limits_count_composed_characters_not_bytes() {
    assert!(Short::new("漢漢漢漢漢漢漢漢漢漢").is_ok());
    assert!(Short::new(&"e\u{301}".repeat(10)).is_ok());
    assert_eq!(Short::new("12345678901"), Err(InvalidText::TooLong { max: 10, actual: 11 }));
    // U+0958 is composed of two characters, and is not composed in Normalization Form C.
    assert_eq!(Short::new(&"\u{958}".repeat(6)), Err(InvalidText::TooLong { max: 10, actual: 12 }));
}

#[test]
fn text_has_something_to_see() {
    for empty in ["", " \u{a0} ", "\u{3000}\u{2003}\n"] {
        assert_eq!(Short::new(empty), Err(InvalidText::Empty));
    }
    for blank in ["\u{2800}", "\u{2800} \u{2800}", "\u{1d159}"] {
        assert_eq!(Short::new(blank), Err(InvalidText::Blank));
    }
    for invisible in ["\u{200b}", "\u{feff}", "\u{2060}", "\u{ad}", "\u{3164}", "\u{ffa0}", "\u{115f}", "\u{34f}"] {
        let code = u32::from(invisible.chars().next().unwrap());
        assert_eq!(refused(invisible), (code, 1, TextFault::Invisible));
        assert_eq!(refused(&format!("  A{invisible}b")), (code, 4, TextFault::Invisible));
    }
    assert_eq!(refused("\u{301}"), (0x301, 1, TextFault::LeadingMark));
}

#[test]
fn text_refuses_what_hides_or_disturbs_text() {
    use TextFault::{Control, Direction, Invisible, Separator, Unassigned};
    for (text, expected) in [
        ("a\0b", (0, 2, Control)),
        ("a\nb", (0xa, 2, Control)),
        ("a\u{85}b", (0x85, 2, Control)),
        ("a\u{2028}b", (0x2028, 2, Separator)),
        ("ab\u{2029}c", (0x2029, 3, Separator)),
        ("\u{202e}retsuM aiM", (0x202e, 1, Direction)),
        ("Mia \u{2066}M\u{2069}", (0x2066, 5, Direction)),
        ("דן\u{200f}", (0x200f, 3, Direction)),
        ("Mia\u{200e}", (0x200e, 4, Direction)),
        ("عمر\u{61c}", (0x61c, 4, Direction)),
        ("a\u{e0061}", (0xe0061, 2, Invisible)),
        ("a\u{fff9}b", (0xfff9, 2, Invisible)),
        ("a\u{180e}b", (0x180e, 2, Invisible)),
        ("a\u{e000}", (0xe000, 2, Unassigned)),
        ("a\u{378}", (0x378, 2, Unassigned)),
        ("a\u{fdd0}", (0xfdd0, 2, Unassigned)),
        ("a\u{10ffff}", (0x0010_ffff, 2, Unassigned)),
    ] {
        assert_eq!(refused(text), expected);
    }
}

#[test]
fn joiners_stay_inside_of_words() {
    for kept in [
        "می\u{200c}خواهم",
        "👨\u{200d}👩\u{200d}👧\u{200d}👦",
        "🏳\u{fe0f}\u{200d}🌈",
        "👩🏽\u{200d}⚕\u{fe0f}",
        "ශ\u{dca}\u{200d}රී",
        "র\u{200d}\u{9cd}য",
        "അവന\u{d4d}\u{200d}",
    ] {
        assert_eq!(Name::new(kept).unwrap().as_str(), kept);
    }
    for joiner in ["\u{200c}", "\u{200d}"] {
        let code = u32::from(joiner.chars().next().unwrap());
        for (text, position) in [
            (joiner.to_owned(), 1),
            (format!("{joiner}Ada"), 1),
            (format!("Ada{joiner}"), 4),
            (format!("Ada{joiner} Lovelace"), 4),
            (format!("Ada {joiner}Lovelace"), 5),
            (format!("A{joiner}{joiner}da"), 2),
            (format!("\u{2800}{joiner}a"), 2),
        ] {
            assert_eq!(refused(&text), (code, position, TextFault::Joiner), "{text:?}");
        }
    }
}

#[test]
fn variation_selectors_select_something() {
    for kept in ["❤\u{fe0f}", "1\u{fe0f}\u{20e3}", "葛\u{e0100}飾", "ᠠ\u{180b}ᠨ\u{180e}ᠠ"] {
        assert_eq!(Name::new(kept).unwrap().as_str(), kept);
    }
    for (text, code, position) in [
        ("A\u{fe0f}", 0xfe0f, 2),
        ("\u{fe0f}", 0xfe0f, 1),
        ("❤\u{fe0f}\u{fe0f}", 0xfe0f, 3),
        ("A\u{e0100}", 0xe0100, 2),
        ("A\u{180b}", 0x180b, 2),
        ("葛\u{fe05}", 0xfe05, 2),
    ] {
        assert_eq!(refused(text), (code, position, TextFault::Variation));
    }
}

#[test]
fn marks_do_not_pile_up() {
    // Burmese, with more marks on one letter than any other orthography.
    assert!(Name::new("ကြ\u{103d}\u{103e}\u{102d}\u{102f}\u{1037}").is_ok());
    assert!(Name::new(&format!("Z{}a", "\u{334}".repeat(8))).is_ok());
    assert_eq!(refused(&format!("Z{}a", "\u{334}".repeat(9))), (0x334, 10, TextFault::TooManyMarks));
    assert_eq!(refused(&format!("Z{}", "\u{334}".repeat(90))), (0x334, 10, TextFault::TooManyMarks));
}

#[test]
fn faults_name_the_character_and_its_place() {
    let said = |text: &str| Name::new(text).unwrap_err().to_string();
    assert_eq!(said("a\0b"), "must not contain control characters (found U+0000 as character 2)");
    let direction = "must not contain characters that set the direction of text (found U+202E as character 1)";
    assert_eq!(said("\u{202e}retsuM aiM"), direction);
    assert_eq!(said("\u{2800}"), "must have at least one visible character");
    let marks = "must not contain more than 8 combining marks in a row (found U+0334 as character 10)";
    assert_eq!(said(&format!("Z{}", "\u{334}".repeat(20))), marks);
}

#[test]
fn stored_text_is_read_as_it_is() {
    for stored in ["\u{202e}retsuM aiM", "\u{200b}", "Zoe\u{308}", " ", "", "Ada\u{200d}"] {
        assert_eq!(Name::from_stored(stored).as_str(), stored);
        let json = serde_json::to_string(stored).unwrap();
        assert_eq!(serde_json::from_str::<Name>(&json).unwrap().as_str(), stored);
        assert_eq!(serde_json::to_string(&Name::from_stored(stored)).unwrap(), json);
    }
}

#[test]
fn text_does_not_reach_debug_output() {
    assert_eq!(format!("{:?}", Short::new("Ada").unwrap()), "Text(3 characters)");
}

/// All of those that are treated in some way of their own, and of the others a part.
pub(crate) fn all_sorts_of_characters() -> impl Iterator<Item = char> {
    let plane = ('\0'..='\u{33ff}').chain('\u{a000}'..='\u{abff}').chain('\u{f900}'..='\u{ffff}');
    let beyond = ('\u{1d400}'..='\u{1d7ff}').chain('\u{1f100}'..='\u{1f2ff}').chain('\u{e0000}'..='\u{e01ff}');
    let others = ('\u{3400}'..='\u{9fff}').chain('\u{ac00}'..='\u{f8ff}').chain('\u{10000}'..='\u{31fff}');
    plane.chain(beyond).chain(others.step_by(101))
}

/// Every character alone, and between others.
#[test]
fn accepted_text_is_its_own_parse() {
    for character in all_sorts_of_characters() {
        for text in [character.to_string(), format!("a{character}b"), format!("a{character}\u{301}\u{327}")] {
            if let Ok(accepted) = Name::new(&text) {
                assert_eq!(Name::new(accepted.as_str()).as_ref(), Ok(&accepted), "{text:?}");
            }
        }
    }
}
