use std::fmt;
use std::str::FromStr;

/// In which order a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// From what was there first.
    #[default]
    OldestFirst,
    /// From what came last.
    NewestFirst,
}

impl Order {
    /// Both orders.
    pub const ALL: [Self; 2] = [Self::OldestFirst, Self::NewestFirst];

    /// The order as it is asked for.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OldestFirst => "oldestFirst",
            Self::NewestFirst => "newestFirst",
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text is not an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of oldestFirst, newestFirst")]
pub struct UnknownOrder;

impl FromStr for Order {
    type Err = UnknownOrder;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|order| order.as_str() == text).ok_or(UnknownOrder)
    }
}

/// Which page of a list is asked for. `K` names a place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging<K> {
    /// In which order the list is read.
    pub order: Order,
    /// At most this many items.
    pub limit: usize,
    /// Only what comes after this place in that order; from its start if `None`.
    pub after: Option<K>,
}

impl<K> Paging<K> {
    /// The same page, its place named in another way.
    pub fn map<L>(self, name: impl FnOnce(K) -> L) -> Paging<L> {
        Paging { order: self.order, limit: self.limit, after: self.after.map(name) }
    }
}
