use flight_contract::FlightId;
use std::collections::HashMap;

use deadpool_postgres::Transaction;
use flight_core::{FlightDetails, FlightEvent, FlightStatus, OffsetDateTime};
use jiff::Timestamp;
use shared_infrastructure::postgres::to_bigint;
use shared_infrastructure::projector::{Numbered, Projection};
use shared_kernel::Revision;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Projects flight events into the table `flights`.
#[derive(Debug, Clone, Copy)]
pub struct FlightProjection;

impl Projection for FlightProjection {
    type Event = FlightEvent;
    const NAME: &'static str = "flight-projection";

    async fn project(
        &self,
        transaction: &Transaction<'_>,
        events: &[Numbered<FlightEvent>],
    ) -> Result<(), tokio_postgres::Error> {
        let changes = Changes::of(events);
        changes.delete(transaction).await?;
        changes.insert(transaction).await?;
        changes.update_details(transaction).await?;
        changes.update_statuses(transaction).await
    }
}

/// What a batch of events comes to for each flight, so that each row is written once.
#[derive(Default)]
struct Changes {
    flights: HashMap<FlightId, Change>,
    deleted: Vec<Uuid>,
}

#[derive(Default)]
struct Change {
    created: bool,
    details: Option<FlightDetails>,
    status: Option<FlightStatus>,
    version: Option<Revision>,
}

impl Changes {
    fn of(events: &[Numbered<FlightEvent>]) -> Self {
        let mut changes = Self::default();
        for Numbered { event, revision } in events {
            let change = changes.flights.entry(event.flight_id()).or_default();
            change.version = Some(*revision);
            match event {
                FlightEvent::Created(created) => {
                    change.created = true;
                    change.details = Some(created.details.clone().into());
                    change.status = Some(FlightStatus::WaitingForBoarding);
                }
                FlightEvent::DetailsCorrected(corrected) => change.details = Some(corrected.details.clone().into()),
                FlightEvent::AllBoarded(_) => change.status = Some(FlightStatus::AllBoarded),
                FlightEvent::BoardingReopened(_) => change.status = Some(FlightStatus::WaitingForBoarding),
                FlightEvent::Disembarked(_) => change.status = Some(FlightStatus::Disembarked),
                FlightEvent::Landed(_) => change.status = Some(FlightStatus::Arrived),
                FlightEvent::Deleted(deleted) => {
                    changes.flights.remove(&deleted.flight_id);
                    changes.deleted.push(deleted.flight_id.uuid());
                }
            }
        }
        changes
    }

    async fn delete(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        if self.deleted.is_empty() {
            return Ok(());
        }
        let statement = transaction.prepare_cached("DELETE FROM flights WHERE id = ANY($1)").await?;
        transaction.execute(&statement, &[&self.deleted]).await?;
        Ok(())
    }

    async fn insert(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let columns = DetailColumns::of(self.flights.iter().filter(|(_, change)| change.created));
        if columns.ids.is_empty() {
            return Ok(());
        }
        let statement = transaction
            .prepare_cached(
                "INSERT INTO flights
                    (id, flight_number, origin, destination, scheduled_departure, scheduled_departure_offset, search,
                     status, version)
                 SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::smallint[],
                                      $7::text[], $8::text[], $9::bigint[])
                 ON CONFLICT (id) DO UPDATE SET
                    flight_number = excluded.flight_number, origin = excluded.origin,
                    destination = excluded.destination, scheduled_departure = excluded.scheduled_departure,
                    scheduled_departure_offset = excluded.scheduled_departure_offset, search = excluded.search,
                    status = excluded.status, version = excluded.version",
            )
            .await?;
        let details = columns.details();
        transaction.execute(&statement, &[&details[..], &[&columns.statuses, &columns.versions]].concat()).await?;
        Ok(())
    }

    async fn update_details(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let columns = DetailColumns::of(self.flights.iter().filter(|(_, change)| !change.created));
        if columns.ids.is_empty() {
            return Ok(());
        }
        let statement = transaction
            .prepare_cached(
                "UPDATE flights SET
                    flight_number = new.flight_number, origin = new.origin, destination = new.destination,
                    scheduled_departure = new.scheduled_departure,
                    scheduled_departure_offset = new.scheduled_departure_offset, search = new.search,
                    version = new.version
                 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::smallint[],
                             $7::text[], $8::bigint[])
                    AS new (id, flight_number, origin, destination, scheduled_departure, scheduled_departure_offset,
                            search, version)
                 WHERE flights.id = new.id",
            )
            .await?;
        let details = columns.details();
        transaction.execute(&statement, &[&details[..], &[&columns.versions]].concat()).await?;
        Ok(())
    }

    async fn update_statuses(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let (mut ids, mut statuses, mut versions) = (Vec::new(), Vec::new(), Vec::new());
        for (id, change) in self.flights.iter().filter(|(_, change)| !change.created) {
            if let Some(status) = change.status {
                ids.push(id.uuid());
                statuses.push(status.as_str());
                versions.push(to_bigint(change.version));
            }
        }
        if ids.is_empty() {
            return Ok(());
        }
        let statement = transaction
            .prepare_cached(
                "UPDATE flights SET status = new.status, version = new.version
                 FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS new (id, status, version)
                 WHERE flights.id = new.id",
            )
            .await?;
        transaction.execute(&statement, &[&ids, &statuses, &versions]).await?;
        Ok(())
    }
}

/// The changes that have details, column by column.
#[derive(Default)]
struct DetailColumns<'a> {
    ids: Vec<Uuid>,
    numbers: Vec<&'a str>,
    origins: Vec<&'a str>,
    destinations: Vec<&'a str>,
    departures: Vec<Option<Timestamp>>,
    offsets: Vec<i16>,
    searches: Vec<String>,
    statuses: Vec<Option<&'static str>>,
    versions: Vec<i64>,
}

impl<'a> DetailColumns<'a> {
    fn of(changes: impl Iterator<Item = (&'a FlightId, &'a Change)>) -> Self {
        let mut columns = Self::default();
        for (id, change) in changes {
            let Some(details) = &change.details else { continue };
            columns.ids.push(id.uuid());
            columns.numbers.push(details.flight_number.as_str());
            columns.origins.push(details.origin.as_str());
            columns.destinations.push(details.destination.as_str());
            columns.departures.push(details.scheduled_departure.map(OffsetDateTime::timestamp));
            columns.offsets.push(details.scheduled_departure.map_or(0, OffsetDateTime::offset_minutes));
            columns.searches.push(search_text(details));
            columns.statuses.push(change.status.map(FlightStatus::as_str));
            columns.versions.push(to_bigint(change.version));
        }
        columns
    }

    /// The ids and all that details come to, in the order of the statements.
    fn details(&self) -> [&(dyn ToSql + Sync); 7] {
        let Self { ids, numbers, origins, destinations, departures, offsets, searches, .. } = self;
        [ids, numbers, origins, destinations, departures, offsets, searches]
    }
}

fn search_text(details: &FlightDetails) -> String {
    let lines = [&details.flight_number.as_str(), &details.origin.as_str(), &details.destination.as_str()];
    lines.map(|line| line.to_lowercase()).join("\n")
}
