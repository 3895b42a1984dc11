use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};
use std::collections::HashMap;

use deadpool_postgres::{Object, Transaction};
use passenger_application::{ManifestFilter, ManifestView, MissingView, PassengerFilter, PassengerView, Records};
use passenger_core::{Counts, PassengerStatus};
use shared_infrastructure::read_model::{Listing, ReadModel, Reflecting, at_one_moment};
use shared_infrastructure::reader::Projection;
use shared_infrastructure::sql;
use shared_kernel::{Order, Paging, QueryError, Revision};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::projection::PassengerProjection;
use crate::table::{MANIFESTS, ManifestColumns, ManifestRow, PASSENGERS, PassengerColumns, SEARCH, StateColumns};

/// The passengers that are shown with a manifest.
pub const FIRST_PASSENGERS: Paging<PassengerId> = Paging { order: Order::OldestFirst, limit: 1_000, after: None };

/// Queries of passengers and manifests.
#[derive(Clone)]
pub struct PassengerReadModel {
    read_model: ReadModel,
}

impl PassengerReadModel {
    /// Queries the tables of [`crate::PassengerProjection`].
    #[must_use]
    pub const fn new(read_model: ReadModel) -> Self {
        Self { read_model }
    }

    /// A passenger, or none if there is no such passenger.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn passenger(
        &self,
        id: PassengerId,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Option<PassengerView>>, QueryError> {
        self.read_model.find(PASSENGERS, id, at_least).await
    }

    /// The passengers that fit the filter, in the order in which they were added or against it: up to one more than the
    /// page has.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn passengers(
        &self,
        filter: PassengerFilter,
        page: Paging<PassengerId>,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Vec<PassengerView>>, QueryError> {
        let PassengerFilter { flight_id, statuses, text, ids } = filter;
        let listing = Listing::new(PASSENGERS, page)
            .keys(ids)
            .any_of(PassengerColumns::status, statuses)
            .of(PassengerColumns::flight_id, flight_id)
            .containing(&SEARCH, text.as_ref());
        self.read_model.list(&listing, at_least).await
    }

    /// A flight's manifest, with the names of up to `missing` of those who have not boarded, and its first passengers,
    /// up to one more than [`FIRST_PASSENGERS`]; none if nothing ever happened on it.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn manifest(
        &self,
        flight_id: FlightId,
        missing: usize,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Option<(ManifestView, Vec<PassengerView>)>>, QueryError> {
        let first = Listing::new(PASSENGERS, FIRST_PASSENGERS).of(PassengerColumns::flight_id, Some(flight_id));
        self.read_model
            .query_about(flight_id, at_least, |mut client| {
                let first = &first;
                async move {
                    let transaction = snapshot(&mut client).await?;
                    let found = MANIFESTS.find(&transaction, flight_id).await?;
                    let manifest = manifest_views(&transaction, found.as_slice(), missing).await?.pop();
                    let Some(manifest) = manifest else { return Ok(None) };
                    Ok(Some((manifest, first.rows(&transaction).await?)))
                }
            })
            .await
    }

    /// The manifests that fit the filter, in the order in which their flights were created or against it, each with the
    /// names of up to `missing` of those who have not boarded: up to one more than the page has.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn manifests(
        &self,
        filter: ManifestFilter,
        page: Paging<FlightId>,
        missing: usize,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Vec<ManifestView>>, QueryError> {
        let ManifestFilter { states, flight_ids } = filter;
        let listing = Listing::new(MANIFESTS, page)
            .keys(flight_ids)
            .any_of(ManifestColumns::state, states)
            .only(&format!("{} IS DISTINCT FROM '{}'", StateColumns::ENDING, FlightEnding::Deleted.as_str()));
        self.read_model
            .query(at_least, |mut client| {
                let listing = &listing;
                async move {
                    let transaction = snapshot(&mut client).await?;
                    let found = listing.rows(&transaction).await?;
                    manifest_views(&transaction, &found, missing).await
                }
            })
            .await
    }
}

impl Records for PassengerReadModel {
    async fn passenger(
        &self,
        id: PassengerId,
        at_least: Option<Revision>,
    ) -> Result<Option<PassengerView>, QueryError> {
        Ok(Self::passenger(self, id, at_least).await?.value)
    }

    async fn passengers_of(
        &self,
        flight_id: FlightId,
        after: Option<PassengerId>,
        at_least: Option<Revision>,
    ) -> Result<Vec<PassengerId>, QueryError> {
        let filter = PassengerFilter { flight_id: Some(flight_id), ..PassengerFilter::default() };
        let found = self.passengers(filter, Paging { after, ..FIRST_PASSENGERS }, at_least).await?;
        Ok(found.value.into_iter().map(|passenger| passenger.id).collect())
    }
}

/// A transaction whose queries all see the same, so that counts and names fit together.
async fn snapshot(client: &mut Object) -> Result<Transaction<'_>, tokio_postgres::Error> {
    at_one_moment(client, PassengerProjection::TABLES).await
}

/// Completes manifests with the counts of their passengers, and with the first of those who are missing.
async fn manifest_views(
    transaction: &Transaction<'_>,
    manifests: &[ManifestRow],
    missing_named: usize,
) -> Result<Vec<ManifestView>, tokio_postgres::Error> {
    let ids: Vec<Uuid> = manifests.iter().map(|manifest| manifest.flight_id.uuid()).collect();
    let mut counts = counts(transaction, &ids).await?;
    let mut missing = missing(transaction, &ids, missing_named).await?;
    let complete = |&ManifestRow { flight_id, state, version }: &ManifestRow| ManifestView {
        flight_id,
        state: state.as_str(),
        counts: counts.remove(&flight_id).unwrap_or_default(),
        missing: missing.remove(&flight_id).unwrap_or_default(),
        version: Some(version),
    };
    Ok(manifests.iter().map(complete).collect())
}

async fn counts(
    transaction: &Transaction<'_>,
    flights: &[Uuid],
) -> Result<HashMap<FlightId, Counts>, tokio_postgres::Error> {
    let (flight_id, status) = (PassengerColumns::flight_id, PassengerColumns::status);
    let sql = format!(
        "SELECT {flight_id}, {status}, count(*) FROM {PASSENGERS}
         WHERE {flight_id} = ANY($1) GROUP BY {flight_id}, {status}"
    );
    let statement = transaction.prepare_cached(&sql).await?;
    let mut counts: HashMap<FlightId, Counts> = HashMap::new();
    let found = sql::traced("SELECT", PASSENGERS.name(), &sql, transaction.query(&statement, &[&flights])).await?;
    for row in found {
        let of_flight = counts.entry(flight_id.read(&row)?).or_default();
        // Nothing is counted to less than zero.
        let count = row.try_get::<_, i64>("count")?.unsigned_abs();
        match status.read(&row)? {
            PassengerStatus::CheckedIn => of_flight.checked_in = count,
            PassengerStatus::Boarded => of_flight.boarded = count,
            PassengerStatus::Arrived => of_flight.arrived = count,
            PassengerStatus::Offloaded => of_flight.offloaded = count,
        }
    }
    Ok(counts)
}

async fn missing(
    transaction: &Transaction<'_>,
    flights: &[Uuid],
    named: usize,
) -> Result<HashMap<FlightId, Vec<MissingView>>, tokio_postgres::Error> {
    if named == 0 {
        return Ok(HashMap::new());
    }
    let (id, flight_id) = (PassengerColumns::id, PassengerColumns::flight_id);
    let (name, status, checked_in) = (PassengerColumns::name, PassengerColumns::status, PassengerStatus::CheckedIn);
    let sql = format!(
        "SELECT asked.{flight_id}, missing.{id}, missing.{name}
         FROM unnest($1::uuid[]) AS asked ({flight_id}),
              LATERAL (SELECT {id}, {name} FROM {PASSENGERS}
                       WHERE {PASSENGERS}.{flight_id} = asked.{flight_id} AND {status} = '{checked_in}'
                       ORDER BY {id} LIMIT $2) AS missing
         ORDER BY missing.{id}"
    );
    let statement = transaction.prepare_cached(&sql).await?;
    let limit = i64::try_from(named).unwrap_or(i64::MAX);
    let mut missing: HashMap<FlightId, Vec<MissingView>> = HashMap::new();
    let parameters: [&(dyn ToSql + Sync); 2] = [&flights, &limit];
    let found = sql::traced("SELECT", PASSENGERS.name(), &sql, transaction.query(&statement, &parameters)).await?;
    for row in found {
        let of_flight = missing.entry(flight_id.read(&row)?).or_default();
        of_flight.push(MissingView { id: id.read(&row)?, name: name.read(&row)? });
    }
    Ok(missing)
}
