use super::*;
use crate::text::all_sorts_of_characters;

/// Whether one text is found by the other, as a column with the keys of one is searched for those of the other.
fn finds(searched: &str, text: &str) -> bool {
    let (of, keys) = (SearchKeys::of(text), SearchText::new(searched).unwrap());
    let lines = [&of.lower_case, &of.plain, &of.passport, &of.words];
    let SearchKeys { lower_case, plain, passport, words } = keys.keys();
    let contains = |key: &str| lines.iter().any(|line| line.contains(key));
    let is_word =
        |key: &str| !key.is_empty() && lines.iter().any(|line| format!(" {line} ").contains(&format!(" {key} ")));
    contains(lower_case) || contains(plain) || contains(passport) || is_word(words)
}

fn find_each_other(texts: &[&str]) {
    for searched in texts {
        for text in texts {
            assert!(finds(searched, text), "{searched:?} does not find {text:?}");
        }
    }
}

#[test]
fn spellings_of_one_name_find_each_other() {
    find_each_other(&["Müller", "Mu\u{308}ller", "muller", "MUELLER", "Muller", "ＭÜLLER", "Ｍueller"]);
    find_each_other(&["Søren Åse", "SOEREN AASE", "Soren Ase", "so\u{338}ren åse"]);
    find_each_other(&["Strauß", "STRAUSS", "STRAUẞ", "strauss"]);
    find_each_other(&["O’Brien", "O'Brien", "O´Brien", "O`Brien", "Oʼbrien", "OBRIEN"]);
    find_each_other(&["Anna-Maria", "Anna‐Maria", "Anna–Maria", "ANNA−MARIA", "anna maria", "Anna\u{a0}Maria"]);
    find_each_other(&["Œuvre", "OEUVRE", "œuvre"]);
    find_each_other(&["Þórður", "THORDUR", "Thordur"]);
    find_each_other(&["Łódź", "LODZ", "łódz"]);
    find_each_other(&["İstanbul", "istanbul", "ISTANBUL", "ıstanbul"]);
    find_each_other(&["Diyarbakır", "DIYARBAKIR", "diyarbakir"]);
    find_each_other(&["Νίκος", "ΝΙΚΟΣ", "νικοσ"]);
    find_each_other(&["한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"]);
    find_each_other(&["ﻋﻤﺮ", "عمر", "عُمَر", "عـمـر"]);
    find_each_other(&["علی", "علي"]);
    find_each_other(&["שָׁלוֹם", "שלום"]);
    find_each_other(&["ＫＬ１２３", "KL123", "kl123"]);
    find_each_other(&["St. Gallen", "St Gallen", "ST  GALLEN"]);
    find_each_other(&["می\u{200c}خواهم", "میخواهم"]);
    find_each_other(&["ﬁnn", "Finn"]);
}

#[test]
fn others_do_not() {
    for (searched, text) in [
        ("sue", "Susan"),
        ("o'b", "Jacob"),
        ("Noe", "Nora"),
        ("が", "か"),
        ("กิน", "กัน"),
        ("%", "100 percent"),
        ("_", "a"),
    ] {
        assert!(!finds(searched, text), "{searched:?} finds {text:?}");
    }
}

#[test]
fn parts_are_found() {
    for (searched, text) in
        [("ull", "Müller"), ("muel", "Müller"), ("mül", "Muller"), ("o'b", "O’Brien"), ("a-m", "Anna–Maria")]
    {
        assert!(finds(searched, text), "{searched:?} does not find {text:?}");
    }
}

#[test]
fn what_comes_to_nothing_is_not_searched_for() {
    for text in ["\u{a8}", "\u{2d8}", "\u{203e}", "\u{37a}"].into_iter().filter(|text| fold(text).0.is_empty()) {
        assert_eq!(SearchText::new(text), Err(InvalidSearchText::Nothing), "{text:?}");
    }
    assert_eq!(SearchText::new("¨"), Err(InvalidSearchText::Nothing));
    assert!(matches!(SearchText::new("\u{301}"), Err(InvalidSearchText::Text(InvalidText::Character { .. }))));
    assert_eq!(SearchText::new(" "), Err(InvalidSearchText::Text(InvalidText::Empty)));
    assert_eq!(format!("{:?}", SearchText::new("Ada").unwrap()), "SearchText(SearchKeys(3 characters))");
}

/// Of every character, alone and among others, however it is normalized and in whatever case.
#[test]
fn keys_are_their_own_keys() {
    let nfc = |text: &str| ComposingNormalizer::new_nfc().normalize(text).into_owned();
    let nfd = |text: &str| DecomposingNormalizer::new_nfd().normalize(text).into_owned();
    for character in all_sorts_of_characters() {
        let alone = character.to_string();
        let is_plain = fold(&alone) == (alone.clone(), alone.clone());
        let among_others = (!is_plain || is_mark(character)).then(|| format!("a{character}\u{323}\u{301}b"));
        for text in [alone].into_iter().chain(among_others) {
            let keys = fold(&text);
            assert_eq!((fold(&keys.0).0, fold(&keys.1).1), keys, "{text:?}");
            let of_words = words(&keys.1);
            assert_eq!(words(&of_words), of_words, "{text:?}");
            for variant in [nfc(&text), nfd(&text), CaseMapper::new().fold_string(&text).into_owned()] {
                assert_eq!(fold(&variant), keys, "{text:?}");
            }
        }
    }
}

#[test]
fn the_usual_way_for_ascii_comes_to_the_same() {
    let ascii: Vec<char> = (0..128_u8).map(char::from).collect();
    for first in &ascii {
        for second in &ascii {
            for text in [format!("{first}{second}"), format!("a{first}{second}Z"), format!("{first} {second} ")] {
                assert_eq!(fold(&text), fold_any(&text), "{text:?}");
            }
        }
    }
}

#[test]
fn what_is_folded_is_folded_for_good() {
    // Beyond these there are ideographs, which have no case, and nothing.
    for character in '\0'..='\u{1ffff}' {
        let once = folded_cases(&character.to_string());
        assert_eq!(folded_cases(&once), once, "{character:?}");
    }
}
