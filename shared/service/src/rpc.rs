//! JSON-RPC beside the public HTTP API of a service, for the other services alone: the gateway does not route to it.

use std::convert::Infallible;

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::Request;
use jsonrpsee::Methods;
use jsonrpsee::server::{Server, ServerConfig, ServerHandle, stop_channel};
use tower::{Service, service_fn};

use crate::problem::Problem;
use crate::settings::ServiceUrl;

/// Where the JSON-RPC methods of a service are.
const PATH: &str = "/rpc";

/// The address of the JSON-RPC methods of another service.
#[must_use]
pub fn url(service: &ServiceUrl) -> String {
    format!("{service}{PATH}")
}

/// The largest request, in bytes. Answers may be larger.
const MAX_REQUEST_BYTES: u32 = 64 * 1024;
const MAX_RESPONSE_BYTES: u32 = 1024 * 1024;
/// Calls at a time, over all connections.
const MAX_CALLS: u32 = 4_096;

/// Answers JSON-RPC methods, as long as the handle is kept.
pub fn routes<S: Clone + Send + Sync + 'static>(methods: impl Into<Methods>) -> (Router<S>, ServerHandle) {
    let methods = methods.into();
    let (stop, handle) = stop_channel();
    let config = ServerConfig::builder()
        .http_only()
        .max_connections(MAX_CALLS)
        .max_request_body_size(MAX_REQUEST_BYTES)
        .max_response_body_size(MAX_RESPONSE_BYTES)
        .build();
    let service = Server::builder().set_config(config).to_service_builder().build(methods, stop);
    let answer = service_fn(move |request: Request<axum::body::Body>| {
        let mut service = service.clone();
        async move {
            Ok::<Response, Infallible>(match service.call(request).await {
                Ok(response) => response.map(axum::body::Body::new).into_response(),
                Err(error) => Problem::internal(error).into_response(),
            })
        }
    });
    (Router::new().route_service(PATH, answer), handle)
}
