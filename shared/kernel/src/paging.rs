use crate::named;

named! {
    /// In which order a list is read.
    #[derive(Default)]
    pub enum Order {
        /// From what was there first.
        #[default]
        OldestFirst = "oldestFirst",
        /// From what came last.
        NewestFirst = "newestFirst",
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
