use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use shared_infrastructure::parking::{self, ParkedEvent};
use shared_infrastructure::postgres::Database;
use shared_infrastructure::worker::{Replayed, WorkerHandle, WorkerState};
use shared_kernel::QueryError;
use shared_service::health::{self, Checks};
use shared_service::{Page, Problem, finish};

const REQUEST_LIMIT: Duration = Duration::from_secs(35);
/// How long a replay may take before its caller is told to look again later.
const REPLAY_LIMIT: Duration = Duration::from_secs(30);

type Workers = [(&'static str, WorkerHandle); 2];

struct Processor {
    database: Database,
    workers: Workers,
}

/// Health, and the events that could not be processed: `GET /parked` lists them, `POST /parked/replay` processes them again.
pub(crate) fn router(database: Database, workers: Workers) -> Router {
    let checks = workers.iter().fold(Checks::new(), |checks, (name, handle)| {
        let handle = handle.clone();
        checks.with(*name, move || {
            let state = handle.state();
            async move { describe(state) }
        })
    });
    let routes = Router::new()
        .route("/parked", get(list))
        .route("/parked/replay", post(replay))
        .with_state(Arc::new(Processor { database, workers }));
    finish(routes.merge(health::routes(checks)), REQUEST_LIMIT)
}

fn describe(state: WorkerState) -> Result<Option<String>, String> {
    match state {
        WorkerState::Leading => Ok(None),
        WorkerState::StandingBy => Ok(Some("standing by: another instance works".to_owned())),
        WorkerState::Waiting => Err("waiting for PostgreSQL or the event store".to_owned()),
    }
}

async fn list(State(processor): State<Arc<Processor>>) -> Result<Json<Page<ParkedEvent>>, Problem> {
    let items = parking::list(&processor.database).await.map_err(QueryError::from)?;
    Ok(Json(Page { items, next: None }))
}

#[derive(Serialize)]
struct ReplayAnswer {
    reader: &'static str,
    #[serde(flatten)]
    replayed: Replayed,
}

async fn replay(State(processor): State<Arc<Processor>>) -> Result<Json<Vec<ReplayAnswer>>, Problem> {
    let mut answers = Vec::new();
    for (reader, worker) in &processor.workers {
        let replayed = worker.replay(REPLAY_LIMIT).await.ok_or_else(|| {
            Problem::unavailable(format!(
                "{reader} does not work in this instance at the moment; ask the one that leads."
            ))
        })?;
        answers.push(ReplayAnswer { reader, replayed });
    }
    Ok(Json(answers))
}
