//! JSON-RPC beside the public HTTP API of a service, for the other services alone: the gateway does not route to it.

use axum::body::Body;
use axum::extract::Request;
use axum::response::IntoResponse;
use jsonrpsee::Methods;
use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceT};
use jsonrpsee::server::middleware::rpc::RpcServiceBuilder;
use jsonrpsee::server::{MethodResponse, Server, ServerConfig, ServerHandle, stop_channel};
use jsonrpsee::types::Request as Call;
use shared_access::Access;
use tower::Service;
use tracing::Instrument;

use crate::domain_service::ApiUrls;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::traced::traced;

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
    let spans = RpcServiceBuilder::new().layer_fn(|service| Traced { service });
    let builder = Server::builder().set_config(config).set_rpc_middleware(spans).to_service_builder();
    let service = builder.build(methods, stop);
    let answer = move |request: Request| {
        let mut service = service.clone();
        traced(request, true, async move |request| match service.call(request).await {
            Ok(response) => response.map(Body::new),
            Err(error) => Problem::internal(error).into_response(),
        })
    };
    (Routes::new().post(PATH, Access::Service, answer), handle)
}

/// Answers each call within its span.
#[derive(Clone)]
struct Traced<S> {
    service: S,
}

impl<S: RpcServiceT<MethodResponse = MethodResponse>> RpcServiceT for Traced<S> {
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(&self, call: Call<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let method = call.method_name();
        let span = shared_trace::span!(
            "JSON-RPC",
            otel.name = method,
            otel.kind = "server",
            rpc.system = "jsonrpc",
            rpc.method = method,
            rpc.response.status_code = tracing::field::Empty
        );
        let answer = self.service.call(call).instrument(span.clone());
        async move {
            let answer = answer.await;
            if let Some(code) = answer.as_error_code() {
                span.record("rpc.response.status_code", code);
                shared_trace::fail(&span, "fault");
            }
            answer
        }
    }

    fn batch<'a>(&self, calls: Batch<'a>) -> impl Future<Output = Self::BatchResponse> + Send + 'a {
        self.service.batch(calls)
    }

    fn notification<'a>(&self, call: Notification<'a>) -> impl Future<Output = Self::NotificationResponse> + Send + 'a {
        self.service.notification(call)
    }
}
