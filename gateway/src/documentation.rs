//! The documentation of the API: one document of OpenAPI for programs, and a page of it for people, without scripts and
//! without anything from elsewhere.

mod html;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use rust_embed::RustEmbed;
use serde_json::Value;
use shared_access::Access;
use shared_service::{Route, Routes};

use crate::web::WebClient;
use crate::{operations, pages};

/// Where the document is.
const PATH: &str = "/api/openapi.json";

/// What the services say about themselves, as it is checked in: this program does not contain them, and documents them
/// also while they are away.
#[derive(RustEmbed)]
#[folder = "openapi/"]
#[include = "*.json"]
struct Embedded;

/// What all services say about their APIs, for a gateway of its own.
#[must_use]
pub fn documents() -> Vec<Value> {
    let files = Embedded::iter().filter_map(|name| Embedded::get(&name));
    files.filter_map(|file| serde_json::from_slice(&file.data).ok()).collect()
}

struct Documentation {
    client: Arc<WebClient>,
    json: Bytes,
    html: String,
}

/// `GET /api/openapi.json`, and `GET /docs`.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(client: Arc<WebClient>, document: &Value) -> Routes<S> {
    let documentation = Arc::new(Documentation { client, json: document.to_string().into(), html: html::of(document) });
    Routes::new()
        .get(PATH, Access::Public, json)
        .about(operations::openapi())
        .get("/docs", Access::Public, page)
        .with_state(documentation)
}

/// What the document says of itself.
pub(crate) fn listed() -> Vec<Route> {
    let path = PATH.to_owned();
    vec![Route { method: Method::GET, path, access: Access::Public, operation: Some(operations::openapi()) }]
}

async fn json(State(documentation): State<Arc<Documentation>>) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], documentation.json.clone()).into_response()
}

async fn page(State(documentation): State<Arc<Documentation>>) -> Response {
    pages::page(&documentation.client, "API", &documentation.html)
}
