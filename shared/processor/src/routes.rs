use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::future::join_all;
use serde::Serialize;
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::parking::{self, ParkedEvent};
use shared_infrastructure::postgres::Database;
use shared_infrastructure::worker::{Replayed, WorkerHandle};
use shared_kernel::QueryError;
use shared_service::health;
use shared_service::{Page, Problem, finish};

use crate::checks;

const REQUEST_LIMIT: Duration = Duration::from_secs(35);
/// How long a replay may take before its caller is told to look again later.
const REPLAY_LIMIT: Duration = Duration::from_secs(30);

type Workers = [(&'static str, WorkerHandle); 2];

struct Processor {
    database: Database,
    workers: Workers,
}

/// Health, and the events that could not be processed: `GET /parked` lists them, `POST /parked/replay` processes them
/// again.
pub(crate) fn router(stream: &'static str, event_store: EventStore, database: Database, workers: Workers) -> Router {
    let checks = checks::of(&workers, stream, event_store, &database);
    let routes = Router::new()
        .route("/parked", get(list))
        .route("/parked/replay", post(replay))
        .with_state(Arc::new(Processor { database, workers }));
    finish(routes.merge(health::routes(checks)), REQUEST_LIMIT)
}

#[derive(Serialize)]
struct ParkedPage {
    #[serde(flatten)]
    page: Page<ParkedEvent>,
    /// How many there are; the page has no more than a thousand of them.
    total: usize,
}

async fn list(State(processor): State<Arc<Processor>>) -> Result<Json<ParkedPage>, Problem> {
    let parked = parking::list(&processor.database).await.map_err(QueryError::from)?;
    Ok(Json(ParkedPage { page: Page { items: parked.events, next: None }, total: parked.total }))
}

#[derive(Serialize)]
struct ReplayAnswer {
    reader: &'static str,
    #[serde(flatten)]
    outcome: ReplayOutcome,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ReplayOutcome {
    Replayed(Replayed),
    NotReplayed {
        /// Why not, for people.
        detail: String,
    },
}

/// What each reader has done. What one could do counts, whatever keeps the other from it; it is a problem if none
/// could.
async fn replay(State(processor): State<Arc<Processor>>) -> Result<Json<Vec<ReplayAnswer>>, Problem> {
    let replays = processor.workers.iter().map(async |(reader, worker)| (*reader, worker.replay(REPLAY_LIMIT).await));
    let replays = join_all(replays).await;
    if replays.iter().all(|(_, replayed)| replayed.is_err()) {
        let reasons = replays.iter().filter_map(|(reader, replayed)| Some(format!("{reader}: {}.", replayed.err()?)));
        return Err(Problem::unavailable(reasons.collect::<Vec<_>>().join(" ")));
    }
    let answers = replays.into_iter().map(|(reader, replayed)| ReplayAnswer {
        reader,
        outcome: match replayed {
            Ok(replayed) => ReplayOutcome::Replayed(replayed),
            Err(reason) => ReplayOutcome::NotReplayed { detail: reason.to_string() },
        },
    });
    Ok(Json(answers.collect()))
}
