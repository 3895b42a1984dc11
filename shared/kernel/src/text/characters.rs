//! Which characters may be in free text, and where.

use icu_normalizer::properties::CanonicalCombiningClassMap;
use icu_properties::props::{
    DefaultIgnorableCodePoint, Emoji, GeneralCategory, GeneralCategoryGroup, UnifiedIdeograph,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// How many combining marks may follow each other. The most that an orthography writes is five, on a Burmese consonant.
const MOST_MARKS: usize = 8;

/// Why a character may not be in free text, or not where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// A control character, such as NUL or a tab.
    #[error("control characters")]
    Control,
    /// It breaks a line or a paragraph.
    #[error("line or paragraph separators")]
    Separator,
    /// It overrides, embeds, isolates or marks a direction (UAX #9), so that the text reads otherwise than it is, or is
    /// another one that reads the same. The letters themselves have a direction.
    #[error("characters that set the direction of text")]
    Direction,
    /// Nothing is seen of it: format characters and what is ignored where it is not supported, among them zero width
    /// spaces, the byte order mark, soft hyphens, fillers and tags.
    #[error("invisible characters")]
    Invisible,
    /// It has no meaning that everybody knows: unassigned, for private use, or not a character at all.
    #[error("characters that are unassigned or for private use")]
    Unassigned,
    /// A joiner (ZWJ, ZWNJ) that is not inside a word or an emoji.
    #[error("joiners outside of a word")]
    Joiner,
    /// A variation selector after something that it selects no variant of.
    #[error("variation selectors that select nothing")]
    Variation,
    /// A combining mark that nothing comes before.
    #[error("a combining mark at the beginning")]
    LeadingMark,
    /// More combining marks than any orthography writes on one letter.
    #[error("more than {MOST_MARKS} combining marks in a row")]
    TooManyMarks,
}

/// The first character that is at fault, and its number from 1.
pub(super) fn fault(text: &str) -> Option<(usize, char, TextFault)> {
    let (mut before, mut marks) = (None, 0);
    let mut characters = text.chars().zip(1..).peekable();
    while let Some((character, position)) = characters.next() {
        let after = characters.peek().map(|(after, _)| *after);
        marks = if is_mark(character) { marks + 1 } else { 0 };
        let found =
            if marks > MOST_MARKS { Some(TextFault::TooManyMarks) } else { fault_between(before, character, after) };
        if let Some(fault) = found {
            return Some((position, character, fault));
        }
        before = Some(character);
    }
    None
}

/// Spaces, and symbols whose glyph is empty.
pub(super) fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{2800}' | '\u{1d159}')
}

fn fault_between(before: Option<char>, character: char, after: Option<char>) -> Option<TextFault> {
    match character {
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            return Some(TextFault::Direction);
        }
        '\u{200c}' | '\u{200d}' => return (!is_joined(before, after)).then_some(TextFault::Joiner),
        '\u{180e}' => {
            let is_inside = before.is_some_and(is_mongolian) && after.is_some_and(is_mongolian);
            return (!is_inside).then_some(TextFault::Invisible);
        }
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            let selects = before.is_some_and(|base| has_variant(base, character));
            return (!selects).then_some(TextFault::Variation);
        }
        _ => {}
    }
    match category(character) {
        GeneralCategory::Control => Some(TextFault::Control),
        GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => Some(TextFault::Separator),
        GeneralCategory::Unassigned | GeneralCategory::PrivateUse | GeneralCategory::Surrogate => {
            Some(TextFault::Unassigned)
        }
        GeneralCategory::Format => Some(TextFault::Invisible),
        _ if is_default_ignorable(character) => Some(TextFault::Invisible),
        _ if before.is_none() && is_mark(character) => Some(TextFault::LeadingMark),
        _ => None,
    }
}

/// Whether a joiner is inside a word or an emoji. Right after a virama it may also end the word (RFC 5892, A.1 and A.2).
fn is_joined(before: Option<char>, after: Option<char>) -> bool {
    const VIRAMA: u8 = 9;
    let is_of_word = |neighbour: Option<char>| {
        neighbour.is_some_and(|character| {
            let word = GeneralCategoryGroup::Letter
                .union(GeneralCategoryGroup::Mark)
                .union(GeneralCategoryGroup::Number)
                .union(GeneralCategoryGroup::Symbol);
            word.contains(category(character)) && !is_blank(character)
        })
    };
    let follows_virama = before.is_some_and(|before| CanonicalCombiningClassMap::new().get_u8(before) == VIRAMA);
    follows_virama || (is_of_word(before) && is_of_word(after))
}

/// Whether Unicode has variants of this, of the kind that a selector stands for: text and emoji presentation, forms of
/// ideographs (UTS #37), and those of Mongolian letters.
fn has_variant(base: char, selector: char) -> bool {
    match selector {
        '\u{fe0e}' | '\u{fe0f}' => CodePointSetData::new::<Emoji>().contains(base),
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => {
            CodePointSetData::new::<UnifiedIdeograph>().contains(base)
        }
        '\u{180b}'..='\u{180d}' | '\u{180f}' => is_mongolian(base),
        _ => false,
    }
}

/// Letters, and the selectors of their forms.
const fn is_mongolian(character: char) -> bool {
    matches!(character, '\u{1820}'..='\u{18aa}' | '\u{180b}'..='\u{180d}' | '\u{180f}')
}

/// A mark that takes no room of its own.
pub(crate) fn is_mark(character: char) -> bool {
    matches!(category(character), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
}

/// Whether nothing is to be seen where it is not supported.
pub(crate) fn is_default_ignorable(character: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}
