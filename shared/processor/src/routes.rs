use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::future::join_all;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::postgres::Database;
use shared_infrastructure::unfinished;
use shared_infrastructure::worker::ResumeFrom;
use shared_kernel::QueryError;
use shared_service::{Page, Problem, body, finish, health, problem_type};
use uuid::Uuid;

use crate::checks;
use crate::parked::{self, Workers};

const REQUEST_LIMIT: Duration = Duration::from_secs(35);
/// How long resuming may take.
const RESUME_LIMIT: Duration = Duration::from_secs(30);

struct Processor {
    database: Database,
    workers: Workers,
    /// The field that names what the domain's events are about.
    key_field: &'static str,
}

/// Health; the events that could not be processed; what is missing in other domains: `GET /unfinished`; and
/// `POST /reactions/resume`, an operator's word that another history is to be reacted to.
pub(crate) fn router(
    stream: &'static str,
    key_field: &'static str,
    event_store: EventStore,
    database: Database,
    workers: Workers,
) -> Router {
    let checks = checks::of(&workers, stream, event_store, &database);
    let parked = parked::routes(database.clone(), workers.clone());
    let routes = Router::new()
        .route("/reactions/resume", post(resume))
        .route("/unfinished", get(unfinished))
        .with_state(Arc::new(Processor { database, workers, key_field }));
    finish(routes.merge(parked).merge(health::routes(checks)), REQUEST_LIMIT)
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Resume {
    from: ResumeFrom,
}

/// Lets reactions go on with another history. An empty body means from its beginning.
async fn resume(State(processor): State<Arc<Processor>>, request: Request) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body).await?;
    let resume: Resume = match body.is_empty() {
        true => Resume::default(),
        false => serde_json::from_slice(&body).map_err(|error| {
            Problem::new(
                problem_type::MALFORMED_JSON,
                format!("The body is not {{\"from\": \"beginning\"}} or \"end\": {error}."),
            )
        })?,
    };
    let resumed = processor.workers.iter().map(async |(_, worker)| worker.resume(resume.from, RESUME_LIMIT).await);
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
