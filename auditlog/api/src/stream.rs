//! The streams of the audit log, and the lists that are made of them.

use std::slice;

use shared_infrastructure::event_store::Recorded;
use shared_infrastructure::refusals::REFUSALS;
use shared_kernel::{Domain, Position, Revision, Stream};

/// An event of one of the audit log's streams.
#[derive(Debug, Clone)]
pub(crate) struct LogEvent {
    pub(crate) stream: Stream,
    pub(crate) recorded: Recorded,
}

impl LogEvent {
    /// The position that reaches just to this event.
    pub(crate) fn position(&self) -> Position {
        Position::at(self.stream, Some(self.recorded.revision))
    }
}

/// One of the audit log's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// What happened in one domain.
    Of(&'static Domain),
    /// What happened in all of these, in the order in which it happened.
    All(&'static [&'static Domain]),
    /// The commands that were refused.
    Refusals,
}

impl Log {
    /// The streams that it is made of.
    pub(crate) fn streams(&self) -> impl Iterator<Item = Stream> {
        let (domains, other) = match self {
            Self::Of(domain) => (slice::from_ref(domain), None),
            Self::All(domains) => (*domains, None),
            Self::Refusals => (&[][..], Some(REFUSALS)),
        };
        domains.iter().map(|domain| domain.stream).chain(other)
    }

    /// The stream with exactly this name, if it is one of them.
    pub(crate) fn stream_named(&self, name: &str) -> Option<Stream> {
        self.streams().find(|stream| stream.name == name)
    }

    /// The position that covers this much of each stream.
    pub(crate) fn position(&self, covered: impl Fn(Stream) -> Option<Revision>) -> Position {
        self.streams().fold(Position::default(), |position, stream| position.with(stream, covered(stream)))
    }

    /// Whether a reader who has come to `place` in this list has seen what `position` covers of its streams.
    pub(crate) fn covers(&self, place: &Position, position: &Position) -> bool {
        self.streams().all(|stream| place.revision_in(stream) >= position.revision_in(stream))
    }
}
