use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};
use std::collections::HashMap;
use std::str::FromStr;

use deadpool_postgres::Transaction;
use passenger_application::{ManifestFilter, ManifestView, MissingView, PassengerFilter, PassengerView};
use passenger_core::{Counts, ManifestState, PassengerStatus};
use shared_infrastructure::postgres::{Parsed, StoredRevision, from_bigint, substring_pattern};
use shared_infrastructure::read_model::{Listing, ReadModel, Reflecting};
use shared_kernel::{Order, Paging, QueryError, Revision, Text};
use tokio_postgres::{IsolationLevel, Row};
use uuid::Uuid;

const COLUMNS: &str = "id, flight_id, name, status, version";
const MANIFEST_COLUMNS: &str = "flight_id, state, version";

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
        let listing = passengers(page)
            .keys(ids.map(|ids| ids.into_iter().map(PassengerId::uuid).collect()))
            .any_of("status", statuses.map(|statuses| statuses.into_iter().map(PassengerStatus::as_str).collect()))
            .only_with("flight_id =", flight_id.map(FlightId::uuid))
            .only_with("search LIKE", text.as_deref().map(substring_pattern));
        self.read_model
            .query(at_least, |client| {
                let listing = &listing;
                async move { listing.rows(&client).await?.iter().map(passenger_view).collect() }
            })
            .await
    }

    /// A flight's manifest, with the names of up to `missing` of those who have not boarded, and its first passengers, up to
    /// one more than [`FIRST_PASSENGERS`]; none if nothing ever happened on it.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn manifest(
        &self,
        flight_id: FlightId,
        missing: usize,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Option<(ManifestView, Vec<PassengerView>)>>, QueryError> {
        let first = passengers(FIRST_PASSENGERS).only_with("flight_id =", Some(flight_id.uuid()));
        self.read_model
            .query(at_least, |mut client| {
                let first = &first;
                async move {
                    let transaction = snapshot(&mut client).await?;
                    let sql = format!("SELECT {MANIFEST_COLUMNS} FROM manifests WHERE flight_id = $1");
                    let statement = transaction.prepare_cached(&sql).await?;
                    let rows = transaction.query(&statement, &[&flight_id.uuid()]).await?;
                    let manifest = manifest_views(&transaction, &rows, missing).await?.pop();
                    let Some(manifest) = manifest else { return Ok(None) };
                    let rows = first.rows(&transaction).await?;
                    let passengers = rows.iter().map(passenger_view).collect::<Result<_, _>>()?;
                    Ok(Some((manifest, passengers)))
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
        let listing = Listing::new("manifests", MANIFEST_COLUMNS, "flight_id", page.map(FlightId::uuid))
            .keys(flight_ids.map(|ids| ids.into_iter().map(FlightId::uuid).collect()))
            .any_of("state", states)
            .only("ending IS DISTINCT FROM 'deleted'");
        self.read_model
            .query(at_least, |mut client| {
                let listing = &listing;
                async move {
                    let transaction = snapshot(&mut client).await?;
                    let rows = listing.rows(&transaction).await?;
                    manifest_views(&transaction, &rows, missing).await
                }
            })
            .await
    }
}

fn passengers(page: Paging<PassengerId>) -> Listing {
    Listing::new("passengers", COLUMNS, "id", page.map(PassengerId::uuid))
}

/// The name of a manifest's state.
struct StateName(&'static str);

impl FromStr for StateName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let states = [ManifestState::Open, ManifestState::Sealed, ManifestState::Closed(FlightEnding::Landed)];
        states.into_iter().map(ManifestState::as_str).find(|name| *name == text).map(Self).ok_or(())
    }
}

/// A transaction whose queries all see the same, so that counts and names fit together.
async fn snapshot(client: &mut deadpool_postgres::Object) -> Result<Transaction<'_>, tokio_postgres::Error> {
    client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await
}

/// Completes manifests with the counts of their passengers, and with the first of those who are missing.
async fn manifest_views(
    transaction: &Transaction<'_>,
    manifests: &[Row],
    missing_named: usize,
) -> Result<Vec<ManifestView>, tokio_postgres::Error> {
    let ids: Vec<Uuid> = manifests.iter().map(|row| row.try_get("flight_id")).collect::<Result<_, _>>()?;
    let mut counts = counts(transaction, &ids).await?;
    let mut missing = missing(transaction, &ids, missing_named).await?;
    let complete = |row: &Row| {
        let id: Uuid = row.try_get("flight_id")?;
        let Parsed(StateName(state)) = row.try_get("state")?;
        Ok(ManifestView {
            flight_id: FlightId::new(id),
            state,
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
        // Nothing is counted to less than zero.
        let count = row.try_get::<_, i64>(2)?.unsigned_abs();
        let Parsed(status) = row.try_get(1)?;
        match status {
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
) -> Result<HashMap<Uuid, Vec<MissingView>>, tokio_postgres::Error> {
    if named == 0 {
        return Ok(HashMap::new());
    }
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
    let limit = i64::try_from(named).unwrap_or(i64::MAX);
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
    let Parsed(status) = row.try_get("status")?;
    let StoredRevision(version) = row.try_get("version")?;
    Ok(PassengerView {
        id: PassengerId::new(row.try_get("id")?),
        flight_id: FlightId::new(row.try_get("flight_id")?),
        name: Text::from_stored(row.try_get("name")?),
        status,
        version,
    })
}
