//! What a service says about its API: OpenAPI 3.1, made of its routes and of the readers of their requests.

mod document;
mod headers;
mod operation;

use axum::Json;
use serde_json::Value;
use shared_access::Access;

use crate::routes::Routes;
pub use document::{document, merged};
pub use operation::{Operation, Thing, page};

/// Where a service shows its own document to the others.
pub const INNER_PATH: &str = "/openapi.json";

/// Shows a service's own document to the others.
#[must_use]
pub fn route<S: Clone + Send + Sync + 'static>(document: Value) -> Routes<S> {
    Routes::new().get(INNER_PATH, Access::Service, async move || Json(document))
}
