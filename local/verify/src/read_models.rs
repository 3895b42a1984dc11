//! The rows of the read models, compared with what the streams come to at their checkpoints.

use std::collections::HashSet;
use std::hash::Hash;

use flight_application::FlightView;
use flight_contract::FlightId;
use flight_core::FlightState;
use passenger_application::PassengerView;
use shared_infrastructure::postgres::DatabaseError;
use shared_infrastructure::read_model::TableSnapshot;
use shared_kernel::{Order, Paging, Revision};
use uuid::Uuid;

use crate::violation::{Place, Violation};
use crate::world::{Folded, Manifests};

/// How many rows are read at once.
const PAGE: usize = 1_000;

/// The flight that a row is about, and the last event about it.
type Subject = (FlightId, Revision);

/// Compares the table of flights. Answers how many rows it has.
pub(crate) async fn compare_flights(
    rows: &TableSnapshot<'_>,
    flights: &Folded<FlightState>,
    report: &mut impl FnMut(Violation),
) -> Result<usize, DatabaseError> {
    let stream = flight_contract::DOMAIN.stream.name;
    let Some(state) = usable(rows, flights, stream, report) else { return Ok(0) };
    let comparison = Comparison {
        stream,
        parked: rows.parked_keys(),
        page: async |page| flight_infrastructure::stored_flights(rows.transaction(), page).await,
        key: |flight: &FlightView| flight.id,
        subject: |flight: &FlightView| (flight.id, flight.version),
        find: |id: FlightId| state.flight(&id).map(|flight| FlightView::from(&**flight)),
    };
    comparison.run(state.flights().map(|flight| flight.id), report).await
}

/// Compares the tables of passengers and of manifests. Answers how many rows they have.
pub(crate) async fn compare_passengers(
    rows: &TableSnapshot<'_>,
    passengers: &Folded<Manifests>,
    report: &mut impl FnMut(Violation),
) -> Result<usize, DatabaseError> {
    let stream = passenger_contract::DOMAIN.stream.name;
    let Some(Manifests { state, versions }) = usable(rows, passengers, stream, report) else { return Ok(0) };
    let comparison = Comparison {
        stream,
        parked: rows.parked_keys(),
        page: async |page| passenger_infrastructure::stored_passengers(rows.transaction(), page).await,
        key: |passenger: &PassengerView| passenger.id,
        subject: |passenger: &PassengerView| (passenger.flight_id, passenger.version),
        find: |id| state.passenger(&id).map(|passenger| PassengerView::from(&**passenger)),
    };
    let all = state.manifests().flat_map(|(_, manifest)| manifest.passengers()).map(|passenger| passenger.id);
    let passengers = comparison.run(all, report).await?;

    let comparison = Comparison {
        stream,
        parked: rows.parked_keys(),
        page: async |page| passenger_infrastructure::stored_manifests(rows.transaction(), page).await,
        key: |(flight, _, _): &_| *flight,
        subject: |(flight, _, version): &_| (*flight, *version),
        find: |id| versions.get(&id).map(|version| (id, state.manifest(&id).state(), *version)),
    };
    Ok(passengers + comparison.run(versions.keys().copied(), report).await?)
}

/// What the rows have to be, if their checkpoint is in the stream. Reports what is parked.
fn usable<'a, S: Clone + Default>(
    rows: &TableSnapshot<'_>,
    folded: &'a Folded<S>,
    stream: &'static str,
    report: &mut impl FnMut(Violation),
) -> Option<&'a S> {
    for revision in rows.parked() {
        let what = "it is parked, so that the read model is without it".to_owned();
        report(Violation { place: Place { stream, revision: *revision }, flight: None, what });
    }
    let state = folded.at_checkpoint();
    if let (None, Some(revision)) = (state, rows.checkpoint()) {
        let what = "the read model is said to have come to an event that is not in the stream".to_owned();
        report(Violation { place: Place { stream, revision }, flight: None, what });
    }
    state
}

/// How the rows of a table are read, and what they have to be.
struct Comparison<'a, P, K, D, F> {
    stream: &'static str,
    /// What events are parked about: their rows are what they were before.
    parked: &'a HashSet<Uuid>,
    page: P,
    key: K,
    subject: D,
    find: F,
}

impl<P, K, D, F> Comparison<'_, P, K, D, F> {
    async fn run<I, V>(
        &self,
        all: impl Iterator<Item = I>,
        report: &mut impl FnMut(Violation),
    ) -> Result<usize, DatabaseError>
    where
        I: Copy + Eq + Hash,
        V: PartialEq,
        P: AsyncFn(Paging<I>) -> Result<Vec<V>, tokio_postgres::Error>,
        K: Fn(&V) -> I,
        D: Fn(&V) -> Subject,
        F: Fn(I) -> Option<V>,
    {
        let mut seen = HashSet::new();
        let mut say = |row: &V, what: &str| {
            let (flight, version) = (self.subject)(row);
            if !self.parked.contains(&flight.uuid()) {
                let place = Place { stream: self.stream, revision: version };
                report(Violation { place, flight: Some(flight), what: what.to_owned() });
            }
        };
        let mut after = None;
        loop {
            let rows = (self.page)(Paging { order: Order::OldestFirst, limit: PAGE, after }).await?;
            let Some(last) = rows.last().map(&self.key) else { break };
            for row in rows {
                let id = (self.key)(&row);
                seen.insert(id);
                match (self.find)(id) {
                    None => say(&row, "a row is left of what is not there any more, or never was"),
                    Some(expected) if expected != row => say(&expected, "a row is not what its events come to"),
                    Some(_) => {}
                }
            }
            after = Some(last);
        }
        for missing in all.filter(|id| !seen.contains(id)).filter_map(&self.find) {
            say(&missing, "a row is missing");
        }
        Ok(seen.len())
    }
}
