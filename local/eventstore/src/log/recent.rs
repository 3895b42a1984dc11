//! The newest committed events, in memory, so that live subscriptions need not ask the database.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use super::event::StoredEvent;

const MAX_EVENTS: usize = 16_384;
const MAX_BYTES: usize = 32 * 1024 * 1024;

#[derive(Debug)]
struct Window {
    /// All events after this position are in the window.
    after: u64,
    events: VecDeque<Arc<StoredEvent>>,
    bytes: usize,
}

/// A bounded window on the end of the log.
#[derive(Debug)]
pub(crate) struct RecentEvents(RwLock<Window>);

impl RecentEvents {
    /// An empty window at the end of a log whose last event is at `head`.
    pub(super) fn new(head: u64) -> Self {
        Self(RwLock::new(Window { after: head, events: VecDeque::new(), bytes: 0 }))
    }

    /// Adds what was committed, in order of position.
    pub(super) fn publish(&self, committed: impl IntoIterator<Item = Arc<StoredEvent>>) {
        let mut window = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for event in committed {
            window.bytes += event.size();
            window.events.push_back(event);
        }
        while window.events.len() > MAX_EVENTS || window.bytes > MAX_BYTES {
            let Some(oldest) = window.events.pop_front() else {
                break;
            };
            window.bytes = window.bytes.saturating_sub(oldest.size());
            window.after = oldest.position;
        }
    }

    /// At most `limit` events after `position`, those of `stream` only if one is given, and the position up to which
    /// this looked. `None` if the window no longer reaches back that far.
    pub(crate) fn after(
        &self,
        position: u64,
        stream: Option<&str>,
        limit: usize,
    ) -> Option<(Vec<Arc<StoredEvent>>, u64)> {
        let window = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if position < window.after {
            return None;
        }
        let skip = window.events.partition_point(|event| event.position <= position);
        let mut found = Vec::new();
        let mut reached = position;
        for event in window.events.iter().skip(skip) {
            if found.len() >= limit {
                break;
            }
            reached = event.position;
            if stream.is_none_or(|stream| *event.stream == *stream) {
                found.push(Arc::clone(event));
            }
        }
        Some((found, reached))
    }
}
