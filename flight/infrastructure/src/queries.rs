use flight_application::{FlightFilter, FlightView};
use flight_core::{FlightDetails, FlightStatus};
use shared_infrastructure::postgres::{from_bigint, substring_pattern};
use shared_infrastructure::read_model::{ReadModel, Reflecting};
use shared_kernel::{FlightId, QueryError, Revision, Text};
use tokio_postgres::Row;
use uuid::Uuid;

const COLUMNS: &str = "id, flight_number, origin, destination, scheduled_departure, status, version";

/// Queries of flights.
#[derive(Clone)]
pub struct FlightReadModel {
    read_model: ReadModel,
}

impl FlightReadModel {
    /// Queries the tables of [`crate::FlightProjection`].
    #[must_use]
    pub const fn new(read_model: ReadModel) -> Self {
        Self { read_model }
    }

    /// Waits a little for the tables to reach `revision`; see [`ReadModel::settle`].
    pub async fn settle(&self, revision: Option<Revision>) {
        self.read_model.settle(revision).await;
    }

    /// A flight, or none if there is no such flight.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn flight(
        &self,
        id: FlightId,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Option<FlightView>>, QueryError> {
        self.read_model
            .query(at_least, |client| async move {
                let statement = client.prepare_cached(&format!("SELECT {COLUMNS} FROM flights WHERE id = $1")).await?;
                client.query_opt(&statement, &[&id.uuid()]).await?.map(|row| flight_view(&row)).transpose()
            })
            .await
    }

    /// The flights that fit the filter, in the order of their creation, after `after`, at most `limit`.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn flights(
        &self,
        filter: &FlightFilter,
        after: Option<FlightId>,
        limit: usize,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Vec<FlightView>>, QueryError> {
        let status = filter.status.map(FlightStatus::as_str);
        let pattern = filter.text.as_deref().map(substring_pattern);
        let after = after.map_or(Uuid::nil(), FlightId::uuid);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_model
            .query(at_least, |client| {
                let pattern = pattern.clone();
                async move {
                    let mut conditions = String::from("id > $1");
                    let mut parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&after, &limit];
                    if let Some(status) = &status {
                        parameters.push(status);
                        conditions.push_str(&format!(" AND status = ${}", parameters.len()));
                    }
                    if let Some(pattern) = &pattern {
                        parameters.push(pattern);
                        conditions.push_str(&format!(" AND search LIKE ${}", parameters.len()));
                    }
                    let sql = format!("SELECT {COLUMNS} FROM flights WHERE {conditions} ORDER BY id LIMIT $2");
                    let statement = client.prepare_cached(&sql).await?;
                    client.query(&statement, &parameters).await?.iter().map(flight_view).collect()
                }
            })
            .await
    }
}

fn flight_view(row: &Row) -> Result<FlightView, tokio_postgres::Error> {
    let status: String = row.try_get("status")?;
    Ok(FlightView {
        id: FlightId::new(row.try_get("id")?),
        details: FlightDetails {
            flight_number: Text::from_stored(row.try_get("flight_number")?),
            origin: Text::from_stored(row.try_get("origin")?),
            destination: Text::from_stored(row.try_get("destination")?),
            scheduled_departure: row.try_get("scheduled_departure")?,
        },
        // Only the projection writes the column, with texts that parse.
        status: status.parse().unwrap_or(FlightStatus::WaitingForBoarding),
        version: from_bigint(row.try_get("version")?).unwrap_or(Revision(0)),
    })
}
