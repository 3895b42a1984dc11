//! What axum itself costs.

use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;

pub(super) fn routes() -> Router {
    Router::new().route("/flights", post(|Json(body): Json<Value>| async { Json(body) }))
}
