mod characters;

use std::fmt;

use ecow::EcoString;
use icu_normalizer::ComposingNormalizer;
use serde::{Deserialize, Serialize};

pub use characters::TextFault;
pub(crate) use characters::{is_default_ignorable, is_mark};

/// Free text from a person: trimmed, in Normalization Form C (UAX #15), with something to see, at most `MAX`
/// characters, and without characters that hide, replace or disturb what people read; see [`TextFault`].
///
/// It is never guessed at or changed otherwise. Reading it back from storage does not check again: what was once
/// accepted stays readable, and as it is, when a rule changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(EcoString);

/// What is wrong with a piece of free text. The message says what to change and does not quote the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// There are only characters that nothing is seen of.
    #[error("must have at least one visible character")]
    Blank,
    /// More characters than allowed, after trimming and in Normalization Form C.
    #[error("must be at most {max} characters long, but has {actual}")]
    TooLong {
        /// The limit, in characters.
        max: usize,
        /// What was sent, in characters.
        actual: usize,
    },
    /// It contains a character that is not allowed there.
    #[error("must not contain {fault} (found U+{:04X} as character {position})", u32::from(*.character))]
    Character {
        /// The character.
        character: char,
        /// Where it is: the first character of what was sent is 1. Counted in Normalization Form C.
        position: usize,
        /// Why it is not allowed.
        fault: TextFault,
    },
}

impl<const MAX: usize> Text<MAX> {
    /// Trims the text, composes it, and checks it.
    ///
    /// # Errors
    /// [`InvalidText`] says what to change.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        let from_start = text.trim_start();
        let trimmed = ComposingNormalizer::new_nfc().normalize(from_start.trim_end());
        if trimmed.is_empty() {
            return Err(InvalidText::Empty);
        }
        let actual = trimmed.chars().count();
        if actual > MAX {
            return Err(InvalidText::TooLong { max: MAX, actual });
        }
        if let Some((at, character, fault)) = characters::fault(&trimmed) {
            let position = text[..text.len() - from_start.len()].chars().count() + at;
            return Err(InvalidText::Character { character, position, fault });
        }
        if trimmed.chars().all(characters::is_blank) {
            return Err(InvalidText::Blank);
        }
        Ok(Self(trimmed.into()))
    }

    /// A text that was checked before it was stored.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Only the length is shown: free text is often personal, and `Debug` output ends up in logs.
impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::all_sorts_of_characters;
