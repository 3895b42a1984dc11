//! Lists in pages, with opaque cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How many items a page has when `limit` is not given.
pub const DEFAULT_LIMIT: usize = 100;
/// The most items that a page can have.
pub const MAX_LIMIT: usize = 1_000;

/// Which page of a list is asked for. `C` is the list's own cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging<C> {
    /// At most this many items, 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// Only what comes after this place; from the start if `None`.
    pub after: Option<C>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor for what comes after them; `None` at the end of the list.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page from up to `limit + 1` items that were looked up: the surplus item only shows that there is more.
    ///
    /// `cursor` is called for the last item of the page if there is.
    pub fn from_surplus<C: Serialize>(mut items: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> C) -> Self {
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = if has_more { items.last().map(|last| encode_cursor(&cursor(last))) } else { None };
        Self { items, next }
    }
}

/// A text is not a cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list; send the `next` of an earlier page unchanged")]
pub struct InvalidCursor;

/// A number of items is not one that a page can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to {MAX_LIMIT}")]
pub struct InvalidLimit;

/// Makes an opaque cursor. It is empty, and thus never valid, if `place` has no JSON form.
pub fn encode_cursor<C: Serialize>(place: &C) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

/// Reads a cursor made by [`encode_cursor`].
///
/// # Errors
/// [`InvalidCursor`] for any other text, or a cursor of another kind of list.
pub fn decode_cursor<C: DeserializeOwned>(cursor: &str) -> Result<C, InvalidCursor> {
    /// Far longer than any cursor, in characters.
    const MAX_LENGTH: usize = 1024;
    if cursor.len() > MAX_LENGTH {
        return Err(InvalidCursor);
    }
    let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
    serde_json::from_slice(&json).map_err(|_| InvalidCursor)
}

pub(crate) fn limit(text: &str) -> Result<usize, InvalidLimit> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(limit @ 1..=MAX_LIMIT) if digits => Ok(limit),
        _ => Err(InvalidLimit),
    }
}
