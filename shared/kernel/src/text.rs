use std::fmt;

use serde::{Deserialize, Serialize};

/// Free text from a person: trimmed, not empty, at most `MAX` characters, without control characters.
///
/// It is never guessed at or changed otherwise. Reading it back from storage does not check again: what was once
/// accepted stays readable when a limit changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

/// What is wrong with a piece of free text. The message says what to change and does not quote the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// More characters than allowed after trimming.
    #[error("must be at most {max} characters long, but has {actual}")]
    TooLong {
        /// The limit, in characters.
        max: usize,
        /// What was sent, in characters.
        actual: usize,
    },
    /// It contains a character that cannot be shown, such as NUL or a line break.
    #[error("must not contain control characters (found U+{:04X})", u32::from(*.0))]
    ControlCharacter(char),
}

impl<const MAX: usize> Text<MAX> {
    /// Trims the text and checks it.
    ///
    /// # Errors
    /// [`InvalidText`] says what to change.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(InvalidText::Empty);
        }
        let actual = trimmed.chars().count();
        if actual > MAX {
            return Err(InvalidText::TooLong { max: MAX, actual });
        }
        match trimmed.chars().find(|&c| is_unshowable(c)) {
            Some(c) => Err(InvalidText::ControlCharacter(c)),
            None => Ok(Self(trimmed.to_owned())),
        }
    }

    /// A text that was checked before it was stored.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, and the two separators that break a line although Unicode does not class them as control.
fn is_unshowable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Only the length is shown: free text is often personal, and `Debug` output ends up in logs.
impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.0.chars().count())
    }
}
