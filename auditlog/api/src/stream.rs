//! The streams of the audit log, and the lists that are made of them.

use shared_infrastructure::event_store::Recorded;
use shared_kernel::{Position, Revision};

/// A stream that is part of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DomainStream {
    /// Everything about flights.
    Flight,
    /// Everything about passengers and manifests.
    Passenger,
}

impl DomainStream {
    pub(crate) const BOTH: [Self; 2] = [Self::Flight, Self::Passenger];

    /// Its name in the event store.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Flight => "flight-stream",
            Self::Passenger => "passenger-stream",
        }
    }

    /// The stream with exactly this name, if it is part of the audit log.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|stream| stream.name() == name)
    }

    /// How far a position reaches in this stream.
    pub(crate) const fn revision_in(self, position: Position) -> Option<Revision> {
        match self {
            Self::Flight => position.flight,
            Self::Passenger => position.passenger,
        }
    }

    /// How far a position reaches in this stream, to be changed.
    pub(crate) const fn revision_mut(self, position: &mut Position) -> &mut Option<Revision> {
        match self {
            Self::Flight => &mut position.flight,
            Self::Passenger => &mut position.passenger,
        }
    }

    /// The position that reaches just to this event; none for an event of any other stream.
    pub(crate) fn position_of(event: &Recorded) -> Position {
        Self::named(&event.stream).map_or_else(Position::default, |stream| stream.position(Some(event.revision)))
    }

    /// The position that reaches this far in this stream alone.
    pub(crate) const fn position(self, revision: Option<Revision>) -> Position {
        match self {
            Self::Flight => Position::in_flight_stream(revision),
            Self::Passenger => Position::in_passenger_stream(revision),
        }
    }
}

/// One of the audit log's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// What happened to flights.
    Flights,
    /// What happened to passengers and manifests.
    Passengers,
    /// Both, in the order in which it happened.
    All,
}

impl Log {
    pub(crate) const fn streams(self) -> &'static [DomainStream] {
        match self {
            Self::Flights => &[DomainStream::Flight],
            Self::Passengers => &[DomainStream::Passenger],
            Self::All => &DomainStream::BOTH,
        }
    }

    /// Whether a reader who has come to `place` in this list has seen what `position` covers of its streams.
    pub(crate) fn covers(self, place: Position, position: Position) -> bool {
        self.streams().iter().all(|stream| stream.revision_in(place) >= stream.revision_in(position))
    }
}
