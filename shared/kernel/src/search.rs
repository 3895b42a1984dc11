//! Finding text by what a person would call the same.

use std::fmt;

use icu_casemap::CaseMapper;
use icu_normalizer::properties::CanonicalCombiningClassMap;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use icu_properties::CodePointSetData;
use icu_properties::props::Dash;

use crate::text::{is_default_ignorable, is_mark};
use crate::{InvalidText, Text};

/// What a text is found by: the same for every spelling that differs only in what people do not tell apart, or cannot
/// type. The same function makes the keys of what is stored and of what is searched for.
#[derive(Clone, PartialEq, Eq)]
pub struct SearchKeys {
    /// In lower case, and otherwise as it is.
    pub lower_case: String,
    /// Compatibility forms (NFKD) and cases folded, without marks and invisible characters, every space, dash and
    /// apostrophe as the usual one, letters of the Latin script as the basic letter that they look like.
    pub plain: String,
    /// As [`SearchKeys::plain`], but with Latin letters as passports have them in their machine-readable zone (ICAO Doc
    /// 9303, part 3, section 6): `ü` as `ue`.
    pub passport: String,
    /// The words of [`SearchKeys::passport`] without apostrophes, dashes and full stops, and `ae`, `oe`, `ue` and `aa` as
    /// the vowel alone. That is much the same for texts that are not, so whole words are found by it.
    pub words: String,
}

impl SearchKeys {
    /// The keys of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let (plain, passport) = fold(text);
        let words = words(&passport);
        Self { lower_case: text.to_lowercase(), plain, passport, words }
    }
}

/// Only the length is shown: what is searched is often personal, and `Debug` output ends up in logs.
impl fmt::Debug for SearchKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SearchKeys({} characters)", self.plain.chars().count())
    }
}

/// A text that is searched for: free text, by its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(SearchKeys);

/// What is wrong with a text that is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSearchText {
    /// It is not free text.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// It has only what is not looked at in a search.
    #[error("must have something that can be searched for, not only spaces and marks")]
    Nothing,
}

impl SearchText {
    /// The longest text that is searched for, in characters: as long as the longest free text that is searched.
    pub const MAX: usize = 100;

    /// Checks the text, as [`Text::new`] does.
    ///
    /// # Errors
    /// [`InvalidSearchText`] says what to change.
    pub fn new(text: &str) -> Result<Self, InvalidSearchText> {
        let text: Text<{ Self::MAX }> = Text::new(text)?;
        let keys = SearchKeys::of(text.as_str());
        if keys.plain.is_empty() { Err(InvalidSearchText::Nothing) } else { Ok(Self(keys)) }
    }

    /// What is looked for.
    #[must_use]
    pub const fn keys(&self) -> &SearchKeys {
        &self.0
    }
}

/// The text without what people do not tell apart: plain, and as a passport has it.
fn fold(text: &str) -> (String, String) {
    if text.is_ascii() {
        let key = fold_ascii(text);
        return (key.clone(), key);
    }
    fold_any(text)
}

/// The same as [`fold_any`], for the texts that most are, without a look into the tables of Unicode.
fn fold_ascii(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            _ if character.is_whitespace() => {
                if !key.is_empty() && !key.ends_with(' ') {
                    key.push(' ');
                }
            }
            '`' => key.push('\''),
            _ => key.push(character.to_ascii_lowercase()),
        }
    }
    key.truncate(key.trim_end_matches(' ').len());
    key
}

fn fold_any(text: &str) -> (String, String) {
    // Before compatibility forms, of which an acute accent that stands alone would be a space with a mark.
    let decomposed = DecomposingNormalizer::new_nfd().normalize(text);
    let text: String = decomposed.chars().map(|found| if is_apostrophe(found) { '\'' } else { found }).collect();
    let (mut plain, mut passport) = (String::with_capacity(text.len()), String::with_capacity(text.len()));
    for character in folded_cases(&text).chars() {
        if let Some(vowel) = second_vowel(&passport, character) {
            passport.push(vowel);
        }
        if is_left_out(character) {
            continue;
        }
        let (of_plain, of_passport) = match character {
            _ if character.is_whitespace() || character == '\u{2800}' => (" ", " "),
            _ if is_apostrophe(character) => ("'", "'"),
            _ if CodePointSetData::new::<Dash>().contains(character) => ("-", "-"),
            _ => match letter(character) {
                Some(letters) => letters,
                None => {
                    plain.push(character);
                    passport.push(character);
                    continue;
                }
            },
        };
        for (key, letters) in [(&mut plain, of_plain), (&mut passport, of_passport)] {
            if letters != " " || !key.is_empty() && !key.ends_with(' ') {
                key.push_str(letters);
            }
        }
    }
    let composed = |key: &str| ComposingNormalizer::new_nfc().normalize(key.trim_end_matches(' ')).into_owned();
    (composed(&plain), composed(&passport))
}

/// Without compatibility forms and cases, decomposed. Folding a case brings about no form that has another one.
fn folded_cases(text: &str) -> String {
    let decomposed = |text: &str| DecomposingNormalizer::new_nfkd().normalize(text).into_owned();
    let folded = |text: &str| CaseMapper::new().fold_string(text).into_owned();
    decomposed(&folded(&decomposed(text)))
}

/// The letter that a passport has for a mark on the letter before: `ä` is `ae`, `å` is `aa`.
fn second_vowel(passport: &str, mark: char) -> Option<char> {
    match (passport.chars().next_back()?, mark) {
        ('a' | 'o' | 'u', '\u{308}') => Some('e'),
        ('a', '\u{30a}') => Some('a'),
        _ => None,
    }
}

/// Marks on letters that are the same letter without: accents, points of Hebrew and Arabic, and the dot of letters from
/// other languages in Indic scripts. Not those that make another letter or are a vowel: voicing in Japanese, viramas, and
/// vowel signs from Devanagari to Thai.
fn is_left_out(character: char) -> bool {
    const ARABIC_TATWEEL: char = '\u{640}';
    if character == ARABIC_TATWEEL || is_default_ignorable(character) {
        return true;
    }
    if !is_mark(character) {
        return false;
    }
    // Classes: overlay, nukta, points of Hebrew, Arabic and Syriac, attached or anywhere around. Marks that enclose have 0.
    let class = CanonicalCombiningClassMap::new().get_u8(character);
    matches!(class, 1 | 7 | 10..=36 | 200..) || matches!(character, '\u{488}' | '\u{489}' | '\u{20dd}'..='\u{20e4}')
}

fn is_apostrophe(character: char) -> bool {
    matches!(
        character,
        '\'' | '`' | '\u{b4}' | '\u{2b9}' | '\u{2bb}'
            ..='\u{2bf}'
                | '\u{2c8}'
                | '\u{2ca}'
                | '\u{2cb}'
                | '\u{384}'
                | '\u{55a}'
                | '\u{5f3}'
                | '\u{1fbd}'
                | '\u{1fbf}'
                | '\u{1fef}'
                | '\u{1ffd}'
                | '\u{2018}'
                | '\u{2019}'
                | '\u{201b}'
                | '\u{2032}'
                | '\u{a78c}'
    )
}

/// A letter that has no decomposition: the basic letters that it looks like, and those that a passport has for it.
/// Arabic letters that only the keyboard of another language tells apart are one.
const fn letter(character: char) -> Option<(&'static str, &'static str)> {
    Some(match character {
        'ø' => ("o", "oe"),
        'æ' => ("ae", "ae"),
        'œ' => ("oe", "oe"),
        'þ' => ("th", "th"),
        'ð' | 'đ' => ("d", "d"),
        'ħ' => ("h", "h"),
        'ı' => ("i", "i"),
        'ĸ' => ("k", "q"),
        'ł' => ("l", "l"),
        'ŋ' => ("n", "n"),
        'ŧ' => ("t", "t"),
        '\u{6a9}' => ("\u{643}", "\u{643}"),
        '\u{6cc}' | '\u{649}' => ("\u{64a}", "\u{64a}"),
        _ => return None,
    })
}

/// The words of a text, as a machine-readable zone has them, with vowels that are written with two letters as one.
fn words(passport: &str) -> String {
    let mut words = String::with_capacity(passport.len());
    for character in passport.chars() {
        let last = words.chars().next_back();
        match (last, character) {
            (_, '\'' | '.') | (None | Some(' '), ' ' | '-') => {}
            (Some('a'), 'a' | 'e') | (Some('o' | 'u'), 'e') => {}
            (_, '-') => words.push(' '),
            _ => words.push(character),
        }
    }
    words.truncate(words.trim_end_matches(' ').len());
    words
}

#[cfg(test)]
mod tests;
