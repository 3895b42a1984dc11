use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::header::EXPECT;
use http::{HeaderMap, HeaderValue, Method};
use shared_kernel::ProblemType;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::problem_type;
use crate::traced::{Route, traced};
use crate::traffic::Traffic;

/// Completes a router for the public: problems for unknown paths and methods, for panics and for requests that take
/// longer than `limit` until their answer begins, and a log line at debug level for each request.
///
/// Routes that are added afterwards have none of this.
pub fn finish<S: Clone + Send + Sync + 'static>(router: Router<S>, limit: Duration) -> Router<S> {
    guarded(router, Guard { limit, traffic: None })
}

/// The same, with what it answers counted.
pub(crate) fn finish_counted<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    limit: Duration,
    traffic: Traffic,
) -> Router<S> {
    guarded(router, Guard { limit, traffic: Some(Arc::new(traffic)) })
}

#[derive(Clone)]
struct Guard {
    limit: Duration,
    traffic: Option<Arc<Traffic>>,
}

fn guarded<S: Clone + Send + Sync + 'static>(router: Router<S>, state: Guard) -> Router<S> {
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(state, guard))
}

/// The answer to a path that does not exist.
pub async fn not_found() -> Problem {
    Problem::of(problem_type::NOT_FOUND)
}

/// The answer to a method that a path does not have; the router adds `Allow`.
pub async fn method_not_allowed() -> Problem {
    Problem::of(problem_type::METHOD_NOT_ALLOWED)
}

/// Refuses what is expected of the way in which a request is answered, unless it is to be told to go on, which the server
/// does by itself (RFC 9110, 10.1.1).
///
/// # Errors
/// 417 `expectation-failed`.
pub fn check_expectations(headers: &HeaderMap) -> Result<(), Problem> {
    let is_met = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"100-continue");
    match headers.get_all(EXPECT).iter().all(is_met) {
        true => Ok(()),
        false => Err(Problem::of(problem_type::EXPECTATION_FAILED)),
    }
}

async fn guard(State(Guard { limit, traffic }): State<Guard>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = Route::of(&request);
    let counted = traffic.as_ref().map(|traffic| traffic.begin(route.as_ref().map(Route::as_str), &method));
    let caller = request.extensions().get::<Caller>();
    let (is_trusted, principal) = (caller.is_some(), caller.and_then(Caller::subject).cloned());
    // A gateway has decided about the trace when it let the request in.
    let mut response = traced(request, is_trusted, async |request| {
        let answer = async {
            match check_expectations(request.headers()) {
                Ok(()) => next.run(request).await,
                Err(refusal) => refusal.into_response(),
            }
        };
        let answer = AssertUnwindSafe(answer).catch_unwind();
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(_panic)) => Problem::internal("a request handler panicked").into_response(),
            Err(_elapsed) => too_slow(&method, limit).into_response(),
        }
    })
    .await;
    if let Some(counted) = counted {
        counted.ends(response.status());
    }
    tracing::debug!(
        http.method = %method,
        http.route = route.as_ref().map_or("none", Route::as_str),
        http.status = response.status().as_u16(),
        latency_ms = started.elapsed().as_secs_f64() * 1_000.0,
        "answered a request"
    );
    if response.extensions().get::<&'static ProblemType>().is_some() {
        let extensions = response.extensions_mut();
        route.into_iter().for_each(|route| drop(extensions.insert(route)));
        principal.into_iter().for_each(|principal| drop(extensions.insert(principal)));
    }
    response
}

fn too_slow(method: &Method, limit: Duration) -> Problem {
    let cause = format!("a request took longer than {} ms", limit.as_millis());
    if method.is_safe() {
        Problem::unavailable("The answer takes too long at the moment; try again.").caused_by(cause)
    } else {
        Problem::outcome_unknown().caused_by(cause)
    }
}
