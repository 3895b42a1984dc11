//! The plain service that people would write instead: the row is all there is. It has no search, no history and no
//! idempotency keys, so what it does for a request is less than what Jetbridge does.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::failure::Failure;

/// As many as each of Jetbridge's services has.
const DATABASE_CONNECTIONS: usize = 16;

/// That of Jetbridge's read model, without the column and the index for searching.
const TABLE: &str = "
    CREATE TABLE flights (
        id uuid PRIMARY KEY,
        flight_number text NOT NULL,
        origin text NOT NULL,
        destination text NOT NULL,
        scheduled_departure timestamptz,
        status text NOT NULL,
        version bigint NOT NULL
    );
    CREATE INDEX flights_by_status ON flights (status, id)";

const INSERT: &str = "
    INSERT INTO flights (id, flight_number, origin, destination, scheduled_departure, status, version)
    VALUES ($1, $2, $3, $4, $5, $6, 1)";

const STATUS: &str = "waitingForBoarding";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    flight_number: String,
    origin: String,
    destination: String,
    scheduled_departure: Option<Timestamp>,
}

#[derive(Serialize)]
struct Created {
    id: Uuid,
    #[serde(flatten)]
    details: Details,
    status: &'static str,
}

pub(super) async fn routes(database_url: &str) -> Result<Router, Failure> {
    let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(database_url.parse()?, NoTls, config);
    let pool = Pool::builder(manager).max_size(DATABASE_CONNECTIONS).build().map_err(|_| Failure::Pool)?;
    pool.get().await?.batch_execute(TABLE).await?;
    Ok(Router::new().route("/flights", post(create)).with_state(pool))
}

async fn create(State(pool): State<Pool>, Json(details): Json<Details>) -> Response {
    let is_fine = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
    if !is_fine(&details.flight_number, 10) || !is_fine(&details.origin, 100) || !is_fine(&details.destination, 100) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let id = Uuid::now_v7();
    match insert(&pool, id, &details).await {
        Ok(()) => {
            let location = format!("/flights/{id}");
            (StatusCode::CREATED, [(header::LOCATION, location)], Json(Created { id, details, status: STATUS }))
                .into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn insert(pool: &Pool, id: Uuid, details: &Details) -> Result<(), PoolError> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(INSERT).await?;
    let Details { flight_number, origin, destination, scheduled_departure } = details;
    client
        .execute(&statement, &[&id, flight_number, origin, destination, scheduled_departure, &STATUS])
        .await
        .map(drop)
        .map_err(PoolError::from)
}
