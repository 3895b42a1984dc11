//! The parked events of all domains, which their processors keep.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared_service::{EventId, PathId, Problem, Routes, problem_type};

use super::ask::{Answer, Question, Unanswered};
use super::list::{Known, list_of};
use super::{OPERATORS, Unreachable, of_domain, refused, tell_all, unavailable};
use crate::admission::TakenIn;
use crate::forward::Forwarder;
use crate::operations;
use crate::visitor::Visitor;

pub(super) fn routes() -> Routes<Arc<Forwarder>> {
    Routes::new()
        .get("/api/admin/parked", OPERATORS, list_of("/parked", Known::ToAll))
        .about(operations::parked())
        .get("/api/admin/parked/discarded", OPERATORS, list_of("/parked/discarded", Known::ToAll))
        .about(operations::discarded())
        .get("/api/admin/parked/{eventId}", OPERATORS, show)
        .about(operations::parked_event())
        .post("/api/admin/parked/replay", OPERATORS, replay)
        .about(operations::replay())
        .post("/api/admin/parked/{eventId}/discard", OPERATORS, discard)
        .about(operations::discard())
}

/// What each reader of each domain has done. It is a problem if none could do anything.
async fn replay(
    State(forwarder): State<Arc<Forwarder>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = Question::post("/parked/replay".to_owned(), &headers, &visitor, Bytes::new());
    tell_all(&forwarder, &visitor, &question, readers).await
}

fn readers(answer: &Answer) -> Result<Vec<Map<String, Value>>, Unanswered> {
    serde_json::from_slice(&answer.body).map_err(|_| Unanswered::Unclear)
}

/// A parked event with what is stored of it.
async fn show(
    State(forwarder): State<Arc<Forwarder>>,
    PathId(id): PathId<EventId>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    let _place = forwarder.admit(visitor.client)?;
    let question = Question::get(format!("/parked/{id}"), &visitor);
    ask_each(
        &forwarder,
        &question,
        || Problem::unavailable("Its processor has not answered."),
        |domain, answer| {
            let item = serde_json::from_slice(&answer.body).map_err(Problem::internal)?;
            let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            Ok((no_store, Json(of_domain(domain, item))).into_response())
        },
    )
    .await
}

async fn discard(
    State(forwarder): State<Arc<Forwarder>>,
    PathId(id): PathId<EventId>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let admission = forwarder.admission();
    let TakenIn { bytes, room: _room } = admission.take_in(visitor.client, &parts.headers, body).await?;
    let _place = forwarder.admit(visitor.client)?;
    let question = Question::post(format!("/parked/{id}/discard"), &parts.headers, &visitor, bytes);
    ask_each(&forwarder, &question, Problem::outcome_unknown, of_discarded).await
}

/// Asks one processor after the other about a parked event, until one has it. One that has the question and has not
/// answered it may have done what it asks for: then the answer is `unanswered`.
async fn ask_each(
    forwarder: &Forwarder,
    question: &Question,
    unanswered: impl FnOnce() -> Problem,
    answered: impl FnOnce(&'static str, &Answer) -> Result<Response, Problem>,
) -> Result<Response, Problem> {
    let mut unreachable = Vec::new();
    for processor in forwarder.upstreams().processors() {
        let domain = processor.domain.name;
        match question.ask(forwarder.upstreams(), processor, forwarder.answer_limit()).await {
            Ok(answer) if answer.status == StatusCode::NOT_FOUND => {}
            Ok(answer) if answer.status == StatusCode::OK => return answered(domain, &answer),
            Ok(answer) if answer.status.is_client_error() => {
                return Ok(refused(answer));
            }
            Ok(answer) => unreachable.push(Unreachable { domain, detail: answer.detail() }),
            Err(Unanswered::Late | Unanswered::Unclear) => {
                return Err(unanswered().caused_by(format!("{domain}: no answer about a parked event")));
            }
            Err(reason) => unreachable.push(Unreachable { domain, detail: reason.to_string() }),
        }
    }
    if unreachable.is_empty() {
        return Err(Problem::new(problem_type::NOT_FOUND, "No event with this id is parked."));
    }
    Err(unavailable(&unreachable))
}

fn of_discarded(domain: &str, answer: &Answer) -> Result<Response, Problem> {
    #[derive(Serialize, Deserialize)]
    struct Discarded {
        items: Vec<Map<String, Value>>,
    }
    let Discarded { items } = serde_json::from_slice(&answer.body).map_err(Problem::internal)?;
    let items = items.into_iter().map(|item| of_domain(domain, item)).collect();
    Ok(Json(Discarded { items }).into_response())
}
