//! `POST /reactions/resume`: an operator's word that another history is to be reacted to.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use futures::future::join_all;
use serde::Deserialize;
use shared_infrastructure::worker::ResumeFrom;
use shared_service::{Problem, Routes, body, problem_type};

use crate::routes::{OPERATORS, Processor};

/// How long resuming may take.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn routes() -> Routes<Arc<Processor>> {
    Routes::new().post("/reactions/resume", OPERATORS, resume)
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Resume {
    from: ResumeFrom,
}

/// Lets reactions go on with another history. An empty body means from its beginning.
async fn resume(State(processor): State<Arc<Processor>>, request: Request) -> Result<StatusCode, Problem> {
    let workers = &processor.workers;
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
    let resumed = workers.iter().map(async |(_, worker)| worker.resume(resume.from, LIMIT).await);
    let resumed = join_all(resumed).await;
    if resumed.iter().any(Result::is_ok) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let reasons = workers.iter().zip(&resumed);
    let reasons = reasons.filter_map(|((reader, _), resumed)| Some(format!("{reader}: {}.", resumed.err()?)));
    Err(Problem::unavailable(reasons.collect::<Vec<_>>().join(" ")))
}
