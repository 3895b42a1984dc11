//! The ids of recent events, by which a retry without an exact revision is recognised.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use crate::rules::Recorded;

/// About what EventStoreDB's own cache of 8 MiB holds.
const CAPACITY: usize = 100_000;

/// A bounded map from event id to where it was written. As in EventStoreDB it lives in memory only, and the first
/// stream that uses an id keeps it.
#[derive(Debug, Default)]
pub(super) struct RememberedIds {
    by_id: HashMap<Uuid, (Arc<str>, Recorded)>,
    oldest_first: VecDeque<Uuid>,
}

impl RememberedIds {
    pub(super) fn insert(&mut self, id: Uuid, stream: &Arc<str>, recorded: Recorded) {
        let Entry::Vacant(entry) = self.by_id.entry(id) else {
            return;
        };
        entry.insert((Arc::clone(stream), recorded));
        self.oldest_first.push_back(id);
        if self.oldest_first.len() > CAPACITY
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_id.remove(&oldest);
        }
    }

    pub(super) fn get(&self, id: Uuid, stream: &str) -> Option<Recorded> {
        let (owner, recorded) = self.by_id.get(&id)?;
        (**owner == *stream).then_some(*recorded)
    }

    pub(super) fn clear(&mut self) {
        self.by_id.clear();
        self.oldest_first.clear();
    }
}
