//! Places in the lists: how far a reader has come.

use shared_infrastructure::event_store::Recorded;
use shared_kernel::{Position, Revision};

use crate::stream::DomainStream;

/// How far a reader has come in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A reader who begins with what was recorded first has come to here.
    After(Position),
    /// A reader who begins with what was recorded last.
    Before(Descent),
}

/// How far somebody has come who reads towards the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descent {
    /// How far the log reached when they began. What was recorded since is not for them.
    pub(crate) top: Position,
    /// The newest event of each stream that is still to come; `None` if there is none. It has to be known of a stream that
    /// they have seen nothing of yet, too, or else they would get what that stream has gained since they began.
    pub(crate) rest: Position,
}

impl Descent {
    /// The place of somebody who begins when the log reaches this far.
    pub(crate) const fn from_top(top: Position) -> Self {
        Self { top, rest: top }
    }
}

impl Place {
    /// Goes past an event, the next one in this direction.
    pub(crate) fn pass(&mut self, event: &Recorded) {
        let Some(stream) = DomainStream::named(&event.stream) else { return };
        match self {
            Self::After(seen) => *stream.revision_mut(seen) = Some(event.revision),
            Self::Before(Descent { rest, .. }) => {
                *stream.revision_mut(rest) = event.revision.0.checked_sub(1).map(Revision);
            }
        }
    }
}
