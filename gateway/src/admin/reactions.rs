//! Reactions of all domains that wait for an operator's word, because the event store holds another history.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use serde_json::{Map, Value};
use shared_service::Problem;

use super::ask::Question;
use super::tell_all;
use crate::admission::TakenIn;
use crate::forward::Forwarder;

pub(super) fn routes() -> Router<Arc<Forwarder>> {
    Router::new().route("/api/admin/reactions/resume", post(resume))
}

/// Which domains react from now on. It is a problem if none had waited for that.
async fn resume(State(forwarder): State<Arc<Forwarder>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let admission = forwarder.admission();
    let TakenIn { bytes, room: _room } = admission.take_in(&parts.extensions, &parts.headers, body).await?;
    let question = Question::post("/reactions/resume".to_owned(), &parts.headers, bytes);
    let has_resumed = Map::from_iter([("resumed".to_owned(), Value::from(true))]);
    tell_all(&forwarder, &parts.extensions, &question, |_| Ok(vec![has_resumed.clone()])).await
}
