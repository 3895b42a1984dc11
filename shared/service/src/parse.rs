//! Readers for single values of requests, to hand to [`crate::Fields`] and [`crate::Params`].

mod timestamp;

use std::ops::RangeInclusive;
use std::str::FromStr;

pub use timestamp::{InvalidTimestamp, instant, timestamp};

/// A text is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID, such as 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")]
pub struct InvalidId;

/// Reads an identifier in the usual form of a UUID: 36 characters with hyphens.
///
/// # Errors
/// [`InvalidId`] for anything else.
pub fn id<I: FromStr>(text: &str) -> Result<I, InvalidId> {
    const HYPHENATED_LENGTH: usize = 36;
    if text.len() != HYPHENATED_LENGTH {
        return Err(InvalidId);
    }
    text.parse().map_err(|_| InvalidId)
}

/// A text is not a number that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from {least} to {most}")]
pub struct InvalidNumber {
    /// The least that is allowed.
    pub least: usize,
    /// The most that is allowed.
    pub most: usize,
}

/// Reads a number in this range, in digits alone.
///
/// # Errors
/// [`InvalidNumber`] for anything else.
pub fn whole_number(text: &str, allowed: RangeInclusive<usize>) -> Result<usize, InvalidNumber> {
    let (least, most) = allowed.clone().into_inner();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && allowed.contains(&number) => Ok(number),
        _ => Err(InvalidNumber { least, most }),
    }
}

/// How many values a list in a parameter may have.
pub const MAX_VALUES: usize = 100;

/// A text is not a list of values that are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidList<E> {
    /// One of the values is not.
    #[error("{0}; separate several with commas")]
    Value(E),
    /// There are more than [`MAX_VALUES`].
    #[error("must have at most {MAX_VALUES} values, but has {0}")]
    TooMany(usize),
}

/// Reads values that are separated by commas, each of them with `read`; at least one, and each once if it is repeated.
///
/// # Errors
/// [`InvalidList`] says what to change.
pub fn list<T: PartialEq, E>(text: &str, mut read: impl FnMut(&str) -> Result<T, E>) -> Result<Vec<T>, InvalidList<E>> {
    let given = text.split(',').count();
    if given > MAX_VALUES {
        return Err(InvalidList::TooMany(given));
    }
    let mut values = Vec::with_capacity(given);
    for part in text.split(',') {
        let value = read(part).map_err(InvalidList::Value)?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(values)
}
