//! The spans of what the gateway is asked, and of what it asks.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::Entry;
use shared_service::headers::{TRACEPARENT, X_CORRELATION_ID};
use shared_service::traced;
use shared_trace::{CorrelationId, TraceParent};
use tracing::field::Empty;
use tracing::{Instrument, Span};

/// Answers a request from outside within its span. A client begins the trace; whether it is recorded is decided here.
pub(crate) async fn enter(request: Request, next: Next) -> Response {
    traced(request, false, |request| next.run(request)).await
}

/// Sends a request to a service within a span of its own, as a part of what is being answered.
pub(crate) async fn ask<E, F>(
    service: &str,
    mut request: http::Request<Body>,
    send: impl FnOnce(http::Request<Body>) -> F,
) -> Result<Response<Body>, E>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    if let Some(id) = CorrelationId::current()
        && let Entry::Vacant(vacant) = request.headers_mut().entry(X_CORRELATION_ID)
    {
        vacant.insert(id.header());
    }
    if !shared_trace::is_on() {
        return send(request).await;
    }
    let span = shared_trace::span!(
        "HTTP", otel.name = %request.method(), otel.kind = "client", http.request.method = %request.method(),
        server.address = service, http.response.status_code = Empty
    );
    let parent = shared_trace::of(&span).or_else(shared_trace::passed_on);
    if let Some(parent) = parent.and_then(TraceParent::header) {
        request.headers_mut().insert(TRACEPARENT, parent);
    }
    let answer = send(request).instrument(span.clone()).await;
    note(&span, &answer);
    answer
}

fn note<E>(span: &Span, answer: &Result<Response<Body>, E>) {
    match answer {
        Ok(response) => {
            let status = response.status();
            span.record("http.response.status_code", i64::from(status.as_u16()));
            if status.is_client_error() || status.is_server_error() {
                shared_trace::fail(span, status.as_str());
            }
        }
        Err(_) => shared_trace::fail(span, "no_answer"),
    }
}
