use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::parking::{self, ParkedEvent};
use shared_infrastructure::postgres::Database;
use shared_infrastructure::unfinished;
use shared_infrastructure::worker::{Replayed, ResumeFrom, WorkerHandle};
use shared_kernel::QueryError;
use shared_service::health;
use shared_service::{Page, Problem, finish, problem_type};
use uuid::Uuid;

use crate::checks;

const REQUEST_LIMIT: Duration = Duration::from_secs(35);
/// How long a replay may take before its caller is told to look again later.
const REPLAY_LIMIT: Duration = Duration::from_secs(30);

type Workers = [(&'static str, WorkerHandle); 2];

struct Processor {
    database: Database,
    workers: Workers,
    /// The field that names what the domain's events are about.
    key_field: &'static str,
}

/// Health; the events that could not be processed: `GET /parked` lists them, `POST /parked/replay` processes them again;
/// what is missing in other domains: `GET /unfinished`; and `POST /reactions/resume`, an operator's word that another
/// history is to be reacted to.
pub(crate) fn router(
    stream: &'static str,
    key_field: &'static str,
    event_store: EventStore,
    database: Database,
    workers: Workers,
) -> Router {
    let checks = checks::of(&workers, stream, event_store, &database);
    let routes = Router::new()
        .route("/parked", get(list))
        .route("/parked/replay", post(replay))
        .route("/reactions/resume", post(resume))
        .route("/unfinished", get(unfinished))
        .with_state(Arc::new(Processor { database, workers, key_field }));
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

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Resume {
    from: ResumeFrom,
}

/// Lets reactions go on with another history. An empty body means from its beginning.
async fn resume(State(processor): State<Arc<Processor>>, body: Bytes) -> Result<StatusCode, Problem> {
    let resume: Resume = match body.is_empty() {
        true => Resume::default(),
        false => serde_json::from_slice(&body).map_err(|error| {
            Problem::new(
                problem_type::MALFORMED_JSON,
                format!("The body is not {{\"from\": \"beginning\"}} or \"end\": {error}."),
            )
        })?,
    };
    let resumed = processor.workers.iter().map(async |(_, worker)| worker.resume(resume.from, REPLAY_LIMIT).await);
    let resumed = join_all(resumed).await;
    if resumed.iter().any(Result::is_ok) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let reasons = processor.workers.iter().zip(&resumed);
    let reasons = reasons.filter_map(|((reader, _), resumed)| Some(format!("{reader}: {}.", resumed.err()?)));
    Err(Problem::unavailable(reasons.collect::<Vec<_>>().join(" ")))
}

/// What is missing: reactions that do not succeed in this instance, and what comparing has found. The oldest first.
async fn unfinished(State(processor): State<Arc<Processor>>) -> Result<Json<Page<Map<String, Value>>>, Problem> {
    let known = unfinished::list(&processor.database).await.map_err(QueryError::from)?;
    let mut items: Vec<(Timestamp, Map<String, Value>)> = Vec::new();
    for (reader, worker) in &processor.workers {
        for retrying in worker.retrying() {
            let mut item = processor.item(reader, retrying.missing, retrying.key, retrying.since);
            item.insert("eventNumber".to_owned(), retrying.event_number.0.into());
            item.insert("attempts".to_owned(), retrying.attempts.into());
            item.insert("reason".to_owned(), retrying.reason.into());
            items.push((retrying.since, item));
        }
    }
    for known in known {
        items.push((known.since, processor.item(&known.reader, &known.kind, known.key, known.since)));
    }
    items.sort_by_key(|(since, _)| *since);
    Ok(Json(Page { items: items.into_iter().map(|(_, item)| item).collect(), next: None }))
}

impl Processor {
    fn item(&self, reader: &str, kind: &str, key: Uuid, since: Timestamp) -> Map<String, Value> {
        Map::from_iter([
            ("reader".to_owned(), reader.into()),
            ("kind".to_owned(), kind.into()),
            (self.key_field.to_owned(), key.to_string().into()),
            ("since".to_owned(), since.to_string().into()),
        ])
    }
}
