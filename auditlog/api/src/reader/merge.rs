//! Putting two streams into the one order in which their events were recorded.

use std::cmp::Reverse;

use shared_infrastructure::event_store::{AllPosition, Recorded};
use shared_kernel::Revision;

use super::Chunk;

/// What was read of one stream.
pub(super) struct Part {
    /// Its events, in the order in which it was read, without gaps.
    pub(super) events: Vec<Recorded>,
    /// Whether there were no more of them in this direction when it was read.
    pub(super) ended: bool,
}

impl Part {
    pub(super) fn last_position(&self) -> Option<AllPosition> {
        self.events.last().map(|event| event.position)
    }

    pub(super) fn last_revision(&self) -> Option<Revision> {
        self.events.last().map(|event| event.revision)
    }

    /// Appends what came after it in the same stream.
    pub(super) fn extend(&mut self, more: Self) {
        self.events.extend(more.events);
        self.ended = more.ended;
    }
}

/// The first `limit` events of both streams, up to where both are known.
///
/// `behind` is the stream that had come less far; if it had ended there, it was read once more after `ahead` was.
/// So it lacks nothing up to the last event of `ahead`, unless there were too many: then up to its own last event.
pub(super) fn merge(ahead: Part, behind: Part, limit: usize) -> Chunk {
    let known_up_to =
        if behind.ended { ahead.last_position() } else { ahead.last_position().min(behind.last_position()) };
    let ended = ahead.ended && behind.ended;
    let mut events = ahead.events;
    events.extend(behind.events);
    events.retain(|event| Some(event.position) <= known_up_to);
    events.sort_by_key(|event| (event.position, event.revision));
    let reached_end = ended && events.len() <= limit;
    events.truncate(limit);
    Chunk { events, reached_end }
}

/// The last `limit` events of all streams, newest first. Of each there are that many, unless it has ended before.
pub(super) fn merge_down(parts: Vec<Part>, limit: usize) -> Chunk {
    let ended = parts.iter().all(|part| part.ended);
    let mut events: Vec<_> = parts.into_iter().flat_map(|part| part.events).collect();
    events.sort_by_key(|event| Reverse((event.position, event.revision)));
    let reached_end = ended && events.len() <= limit;
    events.truncate(limit);
    Chunk { events, reached_end }
}

#[cfg(test)]
mod tests;
