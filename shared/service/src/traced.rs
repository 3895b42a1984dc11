//! The correlation id and the span of a request: where it comes in, and until its answer begins.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::{HeaderMap, Method};
use shared_kernel::ProblemType;
use shared_trace::{CorrelationId, Failure, Joined, TraceParent};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::cause::only;
use crate::headers::{TRACEPARENT, X_CORRELATION_ID};
use crate::telemetry;

/// Requests that somebody watches over this process with are not recorded.
const HEALTH: &str = "/health/";

/// The route that a request has taken, as it was declared: it names nobody. Among the extensions of an answer, for its
/// span and for the log.
#[derive(Debug, Clone)]
pub struct Route(Name);

#[derive(Debug, Clone)]
enum Name {
    Declared(MatchedPath),
    Collection(Arc<str>),
}

impl Route {
    /// Everything below a collection, for whoever passes requests on and knows no more of them.
    #[must_use]
    pub fn below(collection: &str) -> Self {
        Self(Name::Collection(collection.into()))
    }

    pub(crate) fn of(request: &Request) -> Option<Self> {
        request.extensions().get::<MatchedPath>().cloned().map(|path| Self(Name::Declared(path)))
    }

    /// Such as `/api/bags/{id}`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Name::Declared(path) => path.as_str(),
            Name::Collection(collection) => collection,
        }
    }
}

/// Answers a request as a part of what its correlation id stands for. One that has none gets one, and one that cannot be
/// read is not gone on with; commands are refused with it. The answer says which it is.
pub(crate) async fn correlated<B, F>(
    mut request: http::Request<B>,
    answer: impl FnOnce(http::Request<B>) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let (began, method) = (Instant::now(), request.method().clone());
    let id = correlation_id(request.headers_mut());
    let span = shared_trace::log_span!("request", id.as_str());
    let header = id.header();
    let answer = async {
        let response = answer(request).await;
        if response.status().is_client_error() || response.status().is_server_error() {
            telemetry::refused(&method, &response, began.elapsed());
        }
        response
    };
    let mut response = id.scope(answer).instrument(span).await;
    response.headers_mut().insert(X_CORRELATION_ID, header);
    response
}

fn correlation_id(headers: &mut HeaderMap) -> CorrelationId {
    let given = only(headers, &X_CORRELATION_ID, "");
    let read = given.map(|value| value.map(|value| value.to_str().ok().and_then(CorrelationId::read)));
    match read {
        Ok(Some(Some(id))) => id,
        // What others are told as well.
        Ok(None) => {
            let id = CorrelationId::random();
            headers.insert(X_CORRELATION_ID, id.header());
            id
        }
        Ok(Some(None)) | Err(_) => CorrelationId::random(),
    }
}

/// That a request has its span.
#[derive(Clone, Copy)]
struct HasSpan;

/// Answers a request within its span, if its trace is recorded; if it is not, and it fails, that is recorded afterwards.
/// Whether it is, `is_trusted` says who asks may decide. Those that are asked because of it get the trace from the header
/// `traceparent` of the request, as it is changed here.
pub async fn traced<F>(mut request: Request, is_trusted: bool, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let is_known = request.extensions().get::<HasSpan>().is_some();
    if is_known || !shared_trace::is_on() || request.uri().path().starts_with(HEALTH) {
        return answer(request).await;
    }
    let Some(joined) = shared_trace::join(said(request.headers()), is_trusted) else { return answer(request).await };
    let (began, method, route) = (SystemTime::now(), request.method().clone(), Route::of(&request));
    let span = shared_trace::root(joined, || {
        shared_trace::root_span!(
            "HTTP", otel.kind = "server", http.request.method = %method, http.response.status_code = Empty,
            http.route = Empty
        )
    });
    let parent = shared_trace::of(&span).unwrap_or_else(|| joined.parent());
    if !span.is_disabled() {
        Span::current().record("trace.id", parent.trace_id());
    }
    request.extensions_mut().insert(HasSpan);
    request.headers_mut().remove(TRACEPARENT);
    if let Some(header) = parent.header() {
        request.headers_mut().insert(TRACEPARENT, header);
    }
    let response = shared_trace::within(parent, answer(request)).instrument(span.clone()).await;
    ended(&span, joined, &Exchange { began, method, route }, &response);
    response
}

/// A request that was answered.
struct Exchange {
    began: SystemTime,
    method: Method,
    route: Option<Route>,
}

fn ended(span: &Span, joined: Joined, Exchange { began, method, route }: &Exchange, response: &Response) {
    let status = response.status();
    if span.is_disabled() && !status.is_server_error() {
        return;
    }
    let route = response.extensions().get::<Route>().or(route.as_ref());
    let name = route.map_or_else(|| method.to_string(), |route| format!("{method} {}", route.as_str()));
    let problem = response.extensions().get::<&'static ProblemType>();
    let kind: Cow<'static, str> = problem.map_or_else(|| status.as_u16().to_string().into(), |kind| kind.slug.into());
    if span.is_disabled() {
        let attributes = [
            ("http.request.method", Some(method.to_string())),
            ("http.response.status_code", Some(status.as_u16().to_string())),
            ("http.route", route.map(|route| route.as_str().to_owned())),
        ];
        let attributes = attributes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let failure = Failure { name, is_request: true, began: *began, kind: kind.into_owned(), attributes };
        return failure.record_in(joined);
    }
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if let Some(route) = route {
        span.record("http.route", route.as_str());
    }
    shared_trace::name(span, name);
    if status.is_server_error() {
        shared_trace::fail(span, &kind);
    }
}

/// The trace that a request says it is a part of. Two are none, as W3C Trace Context asks for.
fn said(headers: &HeaderMap) -> Option<TraceParent> {
    let value = only(headers, &TRACEPARENT, "").ok()??;
    TraceParent::read(value.to_str().ok()?.trim())
}
