//! Lists in pages, with opaque cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
pub use shared_kernel::{Order, Paging};

/// How many items a page has when `limit` is not given.
pub const DEFAULT_LIMIT: usize = 100;
/// The most items that a page can have.
pub const MAX_LIMIT: usize = 1_000;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor for what comes after them; `None` at the end of the list.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page that was asked for, from up to one item more than its limit: the surplus item only shows that there is
    /// more.
    ///
    /// `place` is called for the last item of the page if there is.
    pub fn from_surplus<K: Serialize>(mut items: Vec<T>, asked: &Paging<K>, place: impl FnOnce(&T) -> K) -> Self {
        let has_more = items.len() > asked.limit;
        items.truncate(asked.limit);
        let next = if has_more { items.last().map(|last| encode_place(asked.order, place(last))) } else { None };
        Self { items, next }
    }
}

/// A text is not a cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list in this order; send the `next` of an earlier page unchanged")]
pub struct InvalidCursor;

/// A place in a list that is read newest first: in a form of its own, so that the other order does not take it for its
/// own.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Descending<K> {
    newest_first: K,
}

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

fn encode_place<K: Serialize>(order: Order, place: K) -> String {
    match order {
        Order::OldestFirst => encode_cursor(&place),
        Order::NewestFirst => encode_cursor(&Descending { newest_first: place }),
    }
}

/// The place in a list that a cursor of [`Page::from_surplus`] names.
pub(crate) fn decode_place<K: DeserializeOwned>(order: Order, cursor: &str) -> Result<K, InvalidCursor> {
    match order {
        Order::OldestFirst => decode_cursor(cursor),
        Order::NewestFirst => decode_cursor(cursor).map(|Descending { newest_first }| newest_first),
    }
}
