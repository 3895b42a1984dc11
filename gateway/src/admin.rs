//! `/api/admin`: what operators see of all domains, and do to them. The processors know it.

mod about;
mod ask;
pub(crate) mod list;
mod log;
mod parked;
mod reactions;
pub(crate) mod rebuild;

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use http::header;
use serde::Serialize;
use serde_json::{Map, Value};
use shared_access::{Access, Role};
use shared_service::problem::PROBLEM_JSON;
use shared_service::{Problem, Routes};

use crate::forward::Forwarder;
use crate::operations;
use crate::visitor::Visitor;
use ask::{Answer, Question, Unanswered};
use list::{Known, list_of};

/// Who may use them.
const OPERATORS: Access = Access::Role(Role::Admin);

/// The routes of operators. They count against the same limits as all that is passed on.
pub(crate) fn routes() -> Routes<Arc<Forwarder>> {
    let unfinished = Routes::new()
        .get("/api/admin/unfinished", OPERATORS, list_of("/unfinished", Known::ToLeader))
        .about(operations::unfinished());
    let list = parked::routes().merge(unfinished).merge(reactions::routes()).merge(rebuild::routes());
    list.merge(log::routes()).merge(about::routes())
}

/// A domain whose processor could not be asked, or did not do what it was told, and why.
#[derive(Serialize)]
struct Unreachable {
    domain: &'static str,
    detail: String,
}

/// Tells all processors the same, and answers what each has done, or why it has not. It is a problem if none has done
/// anything: that of a processor which was told nonsense.
async fn tell_all(
    forwarder: &Forwarder,
    visitor: &Visitor,
    question: &Question,
    done: impl Fn(&Answer) -> Result<Vec<Map<String, Value>>, Unanswered>,
) -> Result<Response, Problem> {
    let _slot = forwarder.admit(visitor.client)?;
    let processors = forwarder.upstreams().processors();
    let limit = forwarder.answer_limit();
    let asked = processors.iter().map(|processor| question.ask(forwarder.upstreams(), processor, limit));
    let (mut answers, mut unreachable, mut refusal) = (Vec::new(), Vec::new(), None);
    for (processor, answer) in processors.iter().zip(join_all(asked).await) {
        let domain = processor.domain.name;
        let done = match answer {
            Ok(answer) if answer.status.is_success() => done(&answer).map_err(|reason| reason.to_string()),
            Ok(answer) => {
                let detail = answer.detail();
                refusal = refusal.or_else(|| answer.status.is_client_error().then_some(answer));
                Err(detail)
            }
            Err(reason) => Err(reason.to_string()),
        };
        match done {
            Ok(items) => answers.extend(items.into_iter().map(|item| of_domain(domain, item))),
            Err(detail) => unreachable.push(Unreachable { domain, detail }),
        }
    }
    if answers.is_empty() {
        let refusal = refusal.ok_or_else(|| unavailable(&unreachable))?;
        return Ok(refused(refusal));
    }
    let not_done = unreachable.into_iter().map(|Unreachable { domain, detail }| {
        let item = Map::from_iter([("detail".to_owned(), Value::from(detail))]);
        of_domain(domain, item)
    });
    Ok(Json(answers.into_iter().chain(not_done).collect::<Vec<_>>()).into_response())
}

/// A processor's problem, as its own answer has it.
fn refused(Answer { status, body }: Answer) -> Response {
    (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response()
}

fn of_domain(domain: &str, item: Map<String, Value>) -> Map<String, Value> {
    [("domain".to_owned(), Value::from(domain))].into_iter().chain(item).collect()
}

fn unavailable(unreachable: &[Unreachable]) -> Problem {
    // A detail may be a sentence, or end like one.
    let reasons = unreachable.iter().map(|one| format!("{}: {}.", one.domain, one.detail.trim_end_matches('.')));
    Problem::unavailable(reasons.collect::<Vec<_>>().join(" "))
}
