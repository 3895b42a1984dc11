//! Putting streams into the one order in which their events were recorded.

use std::cmp::Reverse;

use shared_infrastructure::event_store::{AllPosition, Recorded};
use shared_kernel::{Revision, Stream};

use super::Chunk;
use crate::stream::LogEvent;

/// What was read of one stream.
pub(super) struct Part {
    pub(super) stream: Stream,
    /// Its events, in the order in which it was read, without gaps.
    pub(super) events: Vec<LogEvent>,
    /// Whether there were no more of them in this direction when it was read.
    pub(super) ended: bool,
}

impl Part {
    pub(super) fn of(stream: Stream, events: Vec<Recorded>, ended: bool) -> Self {
        Self { stream, events: events.into_iter().map(|recorded| LogEvent { stream, recorded }).collect(), ended }
    }

    pub(super) fn last_position(&self) -> Option<AllPosition> {
        self.events.last().map(|event| event.recorded.position)
    }

    pub(super) fn last_revision(&self) -> Option<Revision> {
        self.events.last().map(|event| event.recorded.revision)
    }

    /// Appends what came after it in the same stream.
    pub(super) fn extend(&mut self, more: Self) {
        self.events.extend(more.events);
        self.ended = more.ended;
    }
}

/// The first `limit` events of all streams, up to where all of them are known.
///
/// `top` is the newest event that was seen when each had been read once; those that had ended before it were read once
/// more after that. So none lacks anything up to `top`, unless there were too many: then up to its own last event.
pub(super) fn merge(parts: Vec<Part>, top: Option<AllPosition>, limit: usize) -> Chunk {
    let cut_off = parts.iter().filter(|part| !part.ended);
    let known_up_to = cut_off.map(Part::last_position).fold(top, Option::min);
    let ended = parts.iter().all(|part| part.ended);
    let mut events: Vec<_> = parts.into_iter().flat_map(|part| part.events).collect();
    events.retain(|event| Some(event.recorded.position) <= known_up_to);
    events.sort_by_key(|event| (event.recorded.position, event.recorded.revision));
    let reached_end = ended && events.len() <= limit;
    events.truncate(limit);
    Chunk { events, reached_end }
}

/// The last `limit` events of all streams, newest first. Of each there are that many, unless it has ended before.
pub(super) fn merge_down(parts: Vec<Part>, limit: usize) -> Chunk {
    let ended = parts.iter().all(|part| part.ended);
    let mut events: Vec<_> = parts.into_iter().flat_map(|part| part.events).collect();
    events.sort_by_key(|event| Reverse((event.recorded.position, event.recorded.revision)));
    let reached_end = ended && events.len() <= limit;
    events.truncate(limit);
    Chunk { events, reached_end }
}

#[cfg(test)]
mod tests;
