//! Reactions of all domains that wait for an operator's word, because the event store holds another history.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Map, Value};
use shared_service::{Problem, Routes};

use super::ask::Question;
use super::{OPERATORS, tell_all};
use crate::admission::TakenIn;
use crate::forward::Forwarder;
use crate::operations;
use crate::visitor::Visitor;

pub(super) fn routes() -> Routes<Arc<Forwarder>> {
    Routes::new().post("/api/admin/reactions/resume", OPERATORS, resume).about(operations::resume())
}

/// Which domains react from now on. It is a problem if none had waited for that.
async fn resume(
    State(forwarder): State<Arc<Forwarder>>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let admission = forwarder.admission();
    let TakenIn { bytes, room: _room } = admission.take_in(visitor.client, &parts.headers, body).await?;
    let question = Question::post("/reactions/resume".to_owned(), &parts.headers, &visitor, bytes);
    let has_resumed = Map::from_iter([("resumed".to_owned(), Value::from(true))]);
    tell_all(&forwarder, &visitor, &question, |_| Ok(vec![has_resumed.clone()])).await
}
