use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::future::join_all;
use serde::Serialize;
use shared_infrastructure::event_store::{EventStore, StoreError};
use shared_infrastructure::parking::{self, ParkedEvent};
use shared_infrastructure::postgres::Database;
use shared_infrastructure::progress::Progress;
use shared_infrastructure::worker::{Replayed, WorkError, WorkerHandle, WorkerState};
use shared_kernel::QueryError;
use shared_service::health::{self, Checks};
use shared_service::{Page, Problem, finish};
use tokio::time::timeout;

const REQUEST_LIMIT: Duration = Duration::from_secs(35);
/// How long a replay may take before its caller is told to look again later.
const REPLAY_LIMIT: Duration = Duration::from_secs(30);
/// How long finding out how far a reader has come may take; less than the gateway gives all of the answer.
const PROGRESS_LIMIT: Duration = Duration::from_millis(500);

type Workers = [(&'static str, WorkerHandle); 2];

struct Processor {
    database: Database,
    workers: Workers,
}

/// Health, and the events that could not be processed: `GET /parked` lists them, `POST /parked/replay` processes them
/// again.
pub(crate) fn router(stream: &'static str, event_store: EventStore, database: Database, workers: Workers) -> Router {
    let event_store = Arc::new(event_store);
    let checks = workers.iter().fold(Checks::new(), |checks, (name, handle)| {
        let (name, handle) = (*name, handle.clone());
        let (event_store, database) = (Arc::clone(&event_store), database.clone());
        checks.with(name, move || {
            let (handle, event_store, database) = (handle.clone(), Arc::clone(&event_store), database.clone());
            async move {
                match handle.state() {
                    WorkerState::Leading => {
                        let progress = timeout(PROGRESS_LIMIT, Progress::of(name, stream, &event_store, &database));
                        match progress.await {
                            Ok(Err(WorkError::Store(StoreError::Refused(refusal)))) => Err(refusal.to_string()),
                            progress => Ok(Some(describe(progress.ok().and_then(Result::ok)))),
                        }
                    }
                    WorkerState::StandingBy => Ok(Some("standing by: another instance works".to_owned())),
                    WorkerState::Waiting => {
                        Err(handle.trouble().unwrap_or_else(|| "waiting for PostgreSQL or the event store".to_owned()))
                    }
                }
            }
        })
    });
    let routes = Router::new()
        .route("/parked", get(list))
        .route("/parked/replay", post(replay))
        .with_state(Arc::new(Processor { database, workers }));
    finish(routes.merge(health::routes(checks)), REQUEST_LIMIT)
}

/// How far it has come, for people; `None` if that cannot be found out.
fn describe(progress: Option<Progress>) -> String {
    let Some(Progress { behind, parked }) = progress else {
        return "how far it has come cannot be found out".to_owned();
    };
    let behind = match behind {
        0 => "up to date".to_owned(),
        1 => "1 event behind".to_owned(),
        many => format!("{many} events behind"),
    };
    match parked {
        0 => behind,
        1 => format!("{behind}, 1 event parked"),
        many => format!("{behind}, {many} events parked"),
    }
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
