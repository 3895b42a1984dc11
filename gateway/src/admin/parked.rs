//! The parked events of all domains, which their processors keep.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared_service::{EventId, PathId, Problem, Routes, problem_type};

use super::ask::{Answer, Question, Unanswered};
use super::list::list_of;
use super::{OPERATORS, Unreachable, of_domain, refused, tell_all, unavailable};
use crate::admission::TakenIn;
use crate::forward::Forwarder;
use crate::operations;
use crate::visitor::Visitor;

pub(super) fn routes() -> Routes<Arc<Forwarder>> {
    Routes::new()
        .get("/api/admin/parked", OPERATORS, list_of("/parked"))
        .about(operations::parked())
        .get("/api/admin/parked/discarded", OPERATORS, list_of("/parked/discarded"))
        .about(operations::discarded())
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

/// Asks one processor after the other, until one has it.
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
    let processors = forwarder.upstreams().processors();
    let mut unreachable = Vec::new();
    for processor in processors {
        let domain = processor.domain.name;
        match question.ask(forwarder.upstreams(), processor, forwarder.answer_limit()).await {
            Ok(answer) if answer.status == StatusCode::NOT_FOUND => {}
            Ok(answer) if answer.status == StatusCode::OK => return of_discarded(domain, &answer),
            Ok(answer) if answer.status.is_client_error() => {
                return Ok(refused(answer));
            }
            Ok(answer) => unreachable.push(Unreachable { domain, detail: answer.detail() }),
            Err(Unanswered::Late | Unanswered::Unclear) => {
                return Err(Problem::outcome_unknown().caused_by(format!("{domain}: no answer to a discard")));
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
