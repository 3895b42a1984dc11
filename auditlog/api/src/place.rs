//! Places in the lists: how far a reader has come.

use serde::{Deserialize, Serialize};
use shared_kernel::{Order, Position, Revision};

use crate::stream::LogEvent;

/// How far a reader has come in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogPlace {
    /// A reader who begins with what was recorded first has come to here.
    After(Position),
    /// A reader who begins with what was recorded last.
    Before(Descent),
}

/// How far somebody has come who reads towards the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Descent {
    /// How far the log reached when they began. What was recorded since is not for them.
    pub(crate) top: Position,
    /// The newest event of each stream that is still to come; `None` if there is none. It has to be known of a stream
    /// that they have seen nothing of yet, too, or else they would get what that stream has gained since they began.
    pub(crate) rest: Position,
}

impl Descent {
    /// The place of somebody who begins when the log reaches this far.
    pub(crate) fn from_top(top: Position) -> Self {
        Self { rest: top.clone(), top }
    }
}

impl LogPlace {
    /// The order in which its reader reads.
    pub(crate) const fn order(&self) -> Order {
        match self {
            Self::After(_) => Order::OldestFirst,
            Self::Before(_) => Order::NewestFirst,
        }
    }

    /// Goes past an event, the next one in this direction.
    pub(crate) fn pass(&mut self, event: &LogEvent) {
        let revision = event.recorded.revision;
        let (position, now) = match self {
            Self::After(seen) => (seen, Some(revision)),
            Self::Before(Descent { rest, .. }) => (rest, revision.0.checked_sub(1).map(Revision)),
        };
        *position = std::mem::take(position).with(event.stream, now);
    }
}
