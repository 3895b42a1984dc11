//! What the writer knows without asking the database.

use std::collections::HashMap;
use std::sync::Arc;

use super::event::StoredEvent;
use super::remembered::RememberedIds;
use crate::rules::StreamStatus;

/// Streams whose status is kept in memory.
const MAX_STREAMS: usize = 65_536;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stream {
    /// Its row, once it has an event.
    pub(super) row: Option<i64>,
    pub(super) status: StreamStatus,
    /// It was written to since it is kept in memory.
    pub(super) is_written: bool,
}

/// The state after the last write, uncommitted events included.
#[derive(Default)]
pub(super) struct State {
    pub(super) streams: HashMap<Arc<str>, Stream>,
    pub(super) remembered: RememberedIds,
    /// Where the next record begins.
    pub(super) end: u64,
    committed_end: u64,
    /// When the last event was created.
    pub(super) created: i64,
    pub(super) uncommitted: Vec<Arc<StoredEvent>>,
}

impl State {
    pub(super) fn new(end: u64, created: i64) -> Self {
        Self { end, committed_end: end, created, ..Self::default() }
    }

    pub(super) fn keep(&mut self, name: &Arc<str>, stream: Stream) {
        if self.streams.len() >= MAX_STREAMS {
            self.streams.clear();
        }
        self.streams.insert(Arc::clone(name), stream);
    }

    /// Takes the events that were just committed.
    pub(super) fn committed(&mut self) -> Vec<Arc<StoredEvent>> {
        self.committed_end = self.end;
        std::mem::take(&mut self.uncommitted)
    }

    /// Goes back to the last commit. The rest is looked up again when it is needed.
    pub(super) fn forget_uncommitted(&mut self) {
        self.uncommitted.clear();
        self.streams.clear();
        self.remembered.clear();
        self.end = self.committed_end;
    }
}
