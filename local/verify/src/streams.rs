//! Both streams, read as one, in the order in which the event store took their events in.

use std::collections::VecDeque;

use shared_infrastructure::event_store::{AllPosition, EventStore, Recorded, StoreError};
use shared_kernel::{DomainEvent, Revision};

use crate::violation::{Place, Violation};
use crate::world::World;

/// How many events are read at once.
const PAGE: usize = 500;

pub(crate) struct Streams {
    store: EventStore,
    flights: Source,
    passengers: Source,
}

/// One stream, and how far it was read.
struct Source {
    stream: &'static str,
    next: Revision,
    read: VecDeque<Recorded>,
    /// Up to here, nothing is left to read.
    exhausted: Option<AllPosition>,
}

impl Streams {
    pub(crate) fn new(store: EventStore) -> Self {
        let source = |stream| Source { stream, next: Revision(0), read: VecDeque::new(), exhausted: None };
        let flights = source(flight_contract::DOMAIN.stream.name);
        Self { store, flights, passengers: source(passenger_contract::DOMAIN.stream.name) }
    }

    /// Reads on to what is now the end of both.
    pub(crate) async fn read_on(
        &mut self,
        world: &mut World,
        report: &mut impl FnMut(Violation),
    ) -> Result<(), StoreError> {
        let Self { store, flights, passengers } = self;
        let ends = [store.last_event(flights.stream).await?, store.last_event(passengers.stream).await?];
        // What is up to there in the order of the event store was there before both streams are read on.
        let Some(end) = ends.into_iter().flatten().map(|event| event.position).max() else { return Ok(()) };
        loop {
            let next = (flights.peek(store, end).await?, passengers.peek(store, end).await?);
            let flight_is_next = match next {
                (None, None) => return Ok(()),
                (flight, passenger) => passenger.is_none() || flight.is_some() && flight < passenger,
            };
            if flight_is_next {
                flights.take(report, |place, event, report| world.flight_event(place, &event, report));
            } else {
                passengers.take(report, |place, event, report| world.passenger_event(place, &event, report));
            }
        }
    }
}

impl Source {
    /// Where the next event is, if it is not beyond the end.
    async fn peek(&mut self, store: &EventStore, end: AllPosition) -> Result<Option<AllPosition>, StoreError> {
        if self.read.is_empty() && self.exhausted < Some(end) {
            let page = store.read_forwards(self.stream, self.next, PAGE).await?;
            if page.len() < PAGE {
                self.exhausted = Some(end);
            }
            self.read.extend(page);
        }
        Ok(self.read.front().map(|event| event.position).filter(|position| *position <= end))
    }

    /// Takes the next event, checks that it is the next, and hands it on if it can be read.
    fn take<E: DomainEvent, R: FnMut(Violation)>(&mut self, report: &mut R, fold: impl FnOnce(Place, E, &mut R)) {
        let Some(recorded) = self.read.pop_front() else { return };
        let place = |revision| Place { stream: self.stream, revision };
        if recorded.revision != self.next {
            let what = format!("the events before {} are missing", recorded.revision);
            report(Violation { place: place(self.next), flight: None, what });
        }
        self.next = recorded.revision.next();
        match decode(&recorded) {
            Ok(event) => fold(place(recorded.revision), event, report),
            Err(what) => report(Violation { place: place(recorded.revision), flight: None, what }),
        }
    }
}

fn decode<E: DomainEvent>(recorded: &Recorded) -> Result<E, String> {
    let metadata = recorded.metadata().map_err(|error| error.to_string())?;
    recorded.decode(metadata.schema_version()).map_err(|error| error.to_string())
}
