//! JSON-RPC beside the public HTTP API of a service, for the other services alone: the gateway does not route to it.

use axum::body::Body;
use axum::extract::Request;
use axum::response::IntoResponse;
use jsonrpsee::Methods;
use jsonrpsee::server::{Server, ServerConfig, ServerHandle, stop_channel};
use shared_access::Access;
use tower::Service;

use crate::domain_service::ApiUrls;
use crate::problem::Problem;
use crate::routes::Routes;

/// Where the JSON-RPC methods of a service are.
const PATH: &str = "/rpc";

/// The addresses of the JSON-RPC methods of other services, one for each instance, by the names of their domains.
pub fn urls(apis: &ApiUrls) -> impl Iterator<Item = (&'static str, Vec<String>)> {
    apis.iter().map(|(name, services)| (*name, services.iter().map(|service| format!("{service}{PATH}")).collect()))
}

/// The largest request, in bytes. Answers may be larger.
const MAX_REQUEST_BYTES: u32 = 64 * 1024;
const MAX_RESPONSE_BYTES: u32 = 1024 * 1024;
/// Calls at a time, over all connections.
const MAX_CALLS: u32 = 4_096;

/// Answers JSON-RPC methods, as long as the handle is kept.
pub fn routes<S: Clone + Send + Sync + 'static>(methods: impl Into<Methods>) -> (Routes<S>, ServerHandle) {
    let methods = methods.into();
    let (stop, handle) = stop_channel();
    let config = ServerConfig::builder()
        .http_only()
        .max_connections(MAX_CALLS)
        .max_request_body_size(MAX_REQUEST_BYTES)
        .max_response_body_size(MAX_RESPONSE_BYTES)
        .build();
    let service = Server::builder().set_config(config).to_service_builder().build(methods, stop);
    let answer = move |request: Request| {
        let mut service = service.clone();
        async move {
            match service.call(request).await {
                Ok(response) => response.map(Body::new),
                Err(error) => Problem::internal(error).into_response(),
            }
        }
    };
    (Routes::new().post(PATH, Access::Service, answer), handle)
}
