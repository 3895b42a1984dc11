use std::collections::HashMap;

use deadpool_postgres::Transaction;
use passenger_application::{ManifestFilter, ManifestView, MissingView, PassengerFilter, PassengerView};
use passenger_core::{Counts, MAX_MISSING_NAMED, ManifestState, PassengerStatus};
use shared_infrastructure::postgres::{from_bigint, substring_pattern};
use shared_infrastructure::read_model::{ReadModel, Reflecting};
use shared_kernel::{FlightId, PassengerId, QueryError, Revision, Text};
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};
use uuid::Uuid;

const COLUMNS: &str = "id, flight_id, name, status, version";

/// How many passengers are shown with a manifest at most.
pub const PASSENGERS_IN_MANIFEST: usize = 1_000;

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

    /// Waits a little for the tables to reach `revision`; see [`ReadModel::settle`].
    pub async fn settle(&self, revision: Option<Revision>) {
        self.read_model.settle(revision).await;
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
        self.read_model
            .query(at_least, |client| async move {
                let sql = format!("SELECT {COLUMNS} FROM passengers WHERE id = $1");
                let statement = client.prepare_cached(&sql).await?;
                client.query_opt(&statement, &[&id.uuid()]).await?.map(|row| passenger_view(&row)).transpose()
            })
            .await
    }

    /// The passengers that fit the filter, in the order in which they were added, after `after`, at most `limit`.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn passengers(
        &self,
        filter: &PassengerFilter,
        after: Option<PassengerId>,
        limit: usize,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Vec<PassengerView>>, QueryError> {
        let flight_id = filter.flight_id.map(FlightId::uuid);
        let status = filter.status.map(PassengerStatus::as_str);
        let pattern = filter.text.as_deref().map(substring_pattern);
        let after = after.map_or(Uuid::nil(), PassengerId::uuid);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_model
            .query(at_least, |client| {
                let pattern = pattern.clone();
                async move {
                    let mut conditions = String::from("id > $1");
                    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&after, &limit];
                    if let Some(flight_id) = &flight_id {
                        parameters.push(flight_id);
                        conditions.push_str(&format!(" AND flight_id = ${}", parameters.len()));
                    }
                    if let Some(status) = &status {
                        parameters.push(status);
                        conditions.push_str(&format!(" AND status = ${}", parameters.len()));
                    }
                    if let Some(pattern) = &pattern {
                        parameters.push(pattern);
                        conditions.push_str(&format!(" AND search LIKE ${}", parameters.len()));
                    }
                    let sql = format!("SELECT {COLUMNS} FROM passengers WHERE {conditions} ORDER BY id LIMIT $2");
                    let statement = client.prepare_cached(&sql).await?;
                    client.query(&statement, &parameters).await?.iter().map(passenger_view).collect()
                }
            })
            .await
    }

    /// A flight's manifest with its first passengers, up to one more than [`PASSENGERS_IN_MANIFEST`]; none if nothing ever
    /// happened on it.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn manifest(
        &self,
        flight_id: FlightId,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Option<(ManifestView, Vec<PassengerView>)>>, QueryError> {
        self.read_model
            .query(at_least, |mut client| async move {
                let transaction = snapshot(&mut client).await?;
                let statement = transaction
                    .prepare_cached("SELECT flight_id, state, version FROM manifests WHERE flight_id = $1")
                    .await?;
                let rows = transaction.query(&statement, &[&flight_id.uuid()]).await?;
                let Some(manifest) = manifest_views(&transaction, &rows).await?.pop() else { return Ok(None) };
                let sql = format!("SELECT {COLUMNS} FROM passengers WHERE flight_id = $1 ORDER BY id LIMIT $2");
                let statement = transaction.prepare_cached(&sql).await?;
                let limit = i64::try_from(PASSENGERS_IN_MANIFEST + 1).unwrap_or(i64::MAX);
                let rows = transaction.query(&statement, &[&flight_id.uuid(), &limit]).await?;
                let passengers = rows.iter().map(passenger_view).collect::<Result<_, _>>()?;
                Ok(Some((manifest, passengers)))
            })
            .await
    }

    /// The manifests that fit the filter, in the order in which their flights were created, after `after`, at most `limit`.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn manifests(
        &self,
        filter: ManifestFilter,
        after: Option<FlightId>,
        limit: usize,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Vec<ManifestView>>, QueryError> {
        let after = after.map_or(Uuid::nil(), FlightId::uuid);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_model
            .query(at_least, |mut client| async move {
                let transaction = snapshot(&mut client).await?;
                let statement = transaction
                    .prepare_cached(
                        "SELECT flight_id, state, version FROM manifests
                         WHERE flight_id > $1 AND ($2::text IS NULL OR state = $2) AND ending IS DISTINCT FROM 'deleted'
                         ORDER BY flight_id LIMIT $3",
                    )
                    .await?;
                let rows = transaction.query(&statement, &[&after, &filter.state, &limit]).await?;
                manifest_views(&transaction, &rows).await
            })
            .await
    }
}

/// A transaction whose queries all see the same, so that counts and names fit together.
async fn snapshot(client: &mut deadpool_postgres::Object) -> Result<Transaction<'_>, tokio_postgres::Error> {
    client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await
}

/// Completes manifests with the counts of their passengers, and with those who are missing.
async fn manifest_views(
    transaction: &Transaction<'_>,
    manifests: &[Row],
) -> Result<Vec<ManifestView>, tokio_postgres::Error> {
    let ids: Vec<Uuid> = manifests.iter().map(|row| row.try_get("flight_id")).collect::<Result<_, _>>()?;
    let mut counts = counts(transaction, &ids).await?;
    let mut missing = missing(transaction, &ids).await?;
    let complete = |row: &Row| {
        let id: Uuid = row.try_get("flight_id")?;
        let state: &str = row.try_get("state")?;
        // Only the projection writes the column, with texts that are found here.
        let state =
            [ManifestState::Open.as_str(), ManifestState::Sealed.as_str()].into_iter().find(|known| *known == state);
        Ok(ManifestView {
            flight_id: FlightId::new(id),
            state: state.unwrap_or("closed"),
            counts: counts.remove(&id).unwrap_or_default(),
            missing: missing.remove(&id).unwrap_or_default(),
            version: from_bigint(row.try_get("version")?),
        })
    };
    manifests.iter().map(complete).collect()
}

async fn counts(
    transaction: &Transaction<'_>,
    flights: &[Uuid],
) -> Result<HashMap<Uuid, Counts>, tokio_postgres::Error> {
    let statement = transaction
        .prepare_cached(
            "SELECT flight_id, status, count(*) FROM passengers WHERE flight_id = ANY($1) GROUP BY flight_id, status",
        )
        .await?;
    let mut counts: HashMap<Uuid, Counts> = HashMap::new();
    for row in transaction.query(&statement, &[&flights]).await? {
        let of_flight = counts.entry(row.try_get(0)?).or_default();
        let count = u64::try_from(row.try_get::<_, i64>(2)?).unwrap_or(0);
        match row.try_get::<_, &str>(1)?.parse() {
            Ok(PassengerStatus::CheckedIn) => of_flight.checked_in = count,
            Ok(PassengerStatus::Boarded) => of_flight.boarded = count,
            Ok(PassengerStatus::Arrived) => of_flight.arrived = count,
            Ok(PassengerStatus::Offloaded) => of_flight.offloaded = count,
            Err(_) => {}
        }
    }
    Ok(counts)
}

async fn missing(
    transaction: &Transaction<'_>,
    flights: &[Uuid],
) -> Result<HashMap<Uuid, Vec<MissingView>>, tokio_postgres::Error> {
    let statement = transaction
        .prepare_cached(
            "SELECT asked.flight_id, missing.id, missing.name
             FROM unnest($1::uuid[]) AS asked (flight_id),
                  LATERAL (SELECT id, name FROM passengers
                           WHERE passengers.flight_id = asked.flight_id AND status = 'checkedIn'
                           ORDER BY id LIMIT $2) AS missing
             ORDER BY missing.id",
        )
        .await?;
    let limit = i64::try_from(MAX_MISSING_NAMED).unwrap_or(i64::MAX);
    let mut missing: HashMap<Uuid, Vec<MissingView>> = HashMap::new();
    for row in transaction.query(&statement, &[&flights, &limit]).await? {
        missing
            .entry(row.try_get(0)?)
            .or_default()
            .push(MissingView { id: PassengerId::new(row.try_get(1)?), name: Text::from_stored(row.try_get(2)?) });
    }
    Ok(missing)
}

fn passenger_view(row: &Row) -> Result<PassengerView, tokio_postgres::Error> {
    let status: &str = row.try_get("status")?;
    Ok(PassengerView {
        id: PassengerId::new(row.try_get("id")?),
        flight_id: FlightId::new(row.try_get("flight_id")?),
        name: Text::from_stored(row.try_get("name")?),
        // Only the projection writes the column, with texts that parse.
        status: status.parse().unwrap_or(PassengerStatus::CheckedIn),
        version: from_bigint(row.try_get("version")?).unwrap_or(Revision(0)),
    })
}
