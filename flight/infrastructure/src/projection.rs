use deadpool_postgres::Transaction;
use flight_contract::FlightId;
use flight_core::{FlightDetails, FlightEvent, FlightStatus};
use shared_infrastructure::read_model::Changes;
use shared_infrastructure::reader::{Numbered, ProjectResult, Projection};

use crate::table::{FLIGHTS, FlightColumns, SEARCH};

/// Projects flight events into the table `flights`.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlightProjection;

impl Projection for FlightProjection {
    type Event = FlightEvent;
    const NAME: &'static str = "flight-projection";
    const TABLES: &'static [&'static str] = &[FLIGHTS.name()];

    async fn project(&self, transaction: &Transaction<'_>, events: &[Numbered<FlightEvent>]) -> ProjectResult {
        let flights = changes(events);
        FLIGHTS.delete(transaction, flights.deleted()).await?;

        let created = flights.added(|flight| Some((flight.details.as_ref()?, flight.status?)));
        let rows = FLIGHTS.rows(&created).with(FlightColumns::status, |(_, status)| status);
        rows.with(FlightColumns::details, |new| new.0).with_search(&SEARCH, |new| new.0).upsert(transaction).await?;

        let corrected = flights.changed(|flight| flight.details.as_ref());
        let rows = FLIGHTS.rows(&corrected).with(FlightColumns::details, |details| *details);
        rows.with_search(&SEARCH, |details| *details).update(transaction).await?;

        let moved = flights.changed(|flight| flight.status);
        FLIGHTS.rows(&moved).with(FlightColumns::status, |status| status).update(transaction).await
    }

    async fn make_anew(&self, transaction: &Transaction<'_>) -> Result<usize, tokio_postgres::Error> {
        FLIGHTS.make_search_anew(transaction, &SEARCH, FlightColumns::details).await
    }
}

/// The parts of a flight's row that change by themselves.
#[derive(Debug, Default)]
struct Flight {
    details: Option<FlightDetails>,
    status: Option<FlightStatus>,
}

fn changes(events: &[Numbered<FlightEvent>]) -> Changes<FlightId, Flight> {
    let mut flights = Changes::default();
    for &Numbered { ref event, revision } in events {
        let id = event.flight_id();
        match event {
            FlightEvent::Created(event) => {
                *flights.add(id, revision) = Flight {
                    details: Some(event.details.clone().into()),
                    status: Some(FlightStatus::WaitingForBoarding),
                };
            }
            FlightEvent::DetailsCorrected(event) => {
                flights.change(id, revision).details = Some(event.details.clone().into());
            }
            FlightEvent::AllBoarded(_) => flights.change(id, revision).status = Some(FlightStatus::AllBoarded),
            FlightEvent::BoardingReopened(_) => {
                flights.change(id, revision).status = Some(FlightStatus::WaitingForBoarding);
            }
            FlightEvent::Departed(_) => flights.change(id, revision).status = Some(FlightStatus::Departed),
            FlightEvent::Landed(_) => flights.change(id, revision).status = Some(FlightStatus::Arrived),
            FlightEvent::Deleted(_) => flights.delete(id),
        }
    }
    flights
}
