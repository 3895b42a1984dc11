use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{Extensions, HeaderMap, HeaderValue, Method, Uri, Version, header};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy;
use shared_service::body::BodyTooLarge;
use shared_service::problem::Problem;
use shared_service::problem_type;
use shared_service::{ErrorChain, body};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::Limits;
use crate::hop;
use crate::paced::Paced;
use crate::rate::RateLimit;
use crate::upstream::{Upstream, Upstreams};

/// Passes requests on to the services.
pub(crate) struct Forwarder {
    upstreams: Upstreams,
    limits: Limits,
    rate: Option<RateLimit>,
    in_flight: Semaphore,
}

impl Forwarder {
    pub(crate) fn new(upstreams: Upstreams, limits: Limits) -> Self {
        Self {
            upstreams,
            limits,
            rate: limits.requests_per_second.map(RateLimit::per_second),
            in_flight: Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS)),
        }
    }
}

impl Forwarder {
    /// Answers everything below `/api`, and with 404 what is nowhere.
    pub(crate) async fn forward(&self, request: Request) -> Response {
        self.answer(request).await.unwrap_or_else(Problem::into_response)
    }

    async fn answer(&self, request: Request) -> Result<Response, Problem> {
        self.check_rate(request.extensions())?;
        let (mut parts, body) = request.into_parts();
        let Some(upstream) = self.upstreams.for_path(parts.uri.path()) else {
            return Err(Problem::of(problem_type::NOT_FOUND));
        };
        let body = body::limited(&parts.headers, body).await?;
        let _slot = self.in_flight.try_acquire().map_err(|_| too_busy())?;
        readdress(&mut parts, upstream)?;
        let method = parts.method.clone();
        let answer = self.send(upstream, parts, body);
        match tokio::time::timeout(self.limits.request, answer).await {
            Ok(Ok(response)) => Ok(self.pass_back(response)),
            Ok(Err(failure)) => Err(failure.into_problem(upstream, &method)),
            Err(_elapsed) => Err(too_slow(upstream, &method)),
        }
    }

    /// Counts a request against what its client may send.
    pub(crate) fn check_rate(&self, extensions: &Extensions) -> Result<(), Problem> {
        let (Some(rate), Some(peer)) = (&self.rate, peer(extensions)) else {
            return Ok(());
        };
        rate.check(peer.ip()).map_err(|wait| Problem::of(problem_type::TOO_MANY_REQUESTS).retry_after(wait))
    }

    /// Counts a request against all limits, until what this gives is dropped.
    pub(crate) fn admit(&self, extensions: &Extensions) -> Result<SemaphorePermit<'_>, Problem> {
        self.check_rate(extensions)?;
        self.in_flight.try_acquire().map_err(|_| too_busy())
    }

    /// How long a service may take whose answer becomes part of one of the gateway's own: a little less than that.
    pub(crate) fn answer_limit(&self) -> Duration {
        self.limits.request.mul_f64(0.95)
    }

    pub(crate) fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// The client tries again by itself where a pooled connection turned out to be closed before anything was sent. If
    /// that happens later, only what changes nothing is sent once more.
    async fn send(&self, upstream: &Upstream, parts: Parts, body: Body) -> Result<Response<Incoming>, Failure> {
        let client = &self.upstreams.client;
        if !parts.method.is_safe() || !body.is_end_stream() {
            return client.request(Request::from_parts(parts, body)).await.map_err(Failure::from);
        }
        let first = client.request(Request::from_parts(parts.clone(), Body::empty())).await;
        match first.map_err(Failure::from) {
            Err(Failure::BrokenOff(reason)) => {
                tracing::debug!(upstream.name = upstream.name, "asking again, the connection broke: {reason}");
                client.request(Request::from_parts(parts, Body::empty())).await.map_err(Failure::from)
            }
            answer => answer,
        }
    }

    fn pass_back(&self, response: Response<Incoming>) -> Response {
        let (mut parts, body) = response.into_parts();
        hop::remove_connection_headers(&mut parts.headers);
        parts.headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
        let body = if is_event_stream(&parts.headers) {
            Body::new(body)
        } else {
            Body::new(Paced::new(body, self.limits.pause))
        };
        Response::from_parts(parts, body)
    }
}

fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

/// Makes a request to the gateway one to the service: same method, path, query and body.
fn readdress(parts: &mut Parts, upstream: &Upstream) -> Result<(), Problem> {
    hop::remove_connection_headers(&mut parts.headers);
    // Whether to continue has been settled with the client.
    parts.headers.remove(header::EXPECT);
    hop::describe_client(&mut parts.headers, peer(&parts.extensions), parts.uri.authority().map(Authority::as_str));
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(upstream.authority.clone());
    parts.uri = Uri::from_parts(uri).map_err(Problem::internal)?;
    parts.version = Version::HTTP_11;
    parts.extensions = Extensions::new();
    Ok(())
}

/// Why there is no answer.
enum Failure {
    /// There is no connection, or it was closed before anything was sent.
    NothingSent(String),
    /// The request's body is larger than it may be.
    TooLarge,
    /// The request's body did not arrive completely.
    Unreadable,
    /// After the request, or some of it, was sent.
    BrokenOff(String),
}

impl From<legacy::Error> for Failure {
    fn from(error: legacy::Error) -> Self {
        let causes = || std::iter::successors(error.source(), |cause| (**cause).source());
        let is_unsent = |cause: &hyper::Error| cause.is_canceled();
        if error.is_connect() || causes().filter_map(<dyn Error>::downcast_ref).any(is_unsent) {
            Self::NothingSent(ErrorChain(&error).to_string())
        } else if causes().any(<dyn Error>::is::<BodyTooLarge>) {
            Self::TooLarge
        } else if causes().any(<dyn Error>::is::<axum::Error>) {
            Self::Unreadable
        } else {
            Self::BrokenOff(ErrorChain(&error).to_string())
        }
    }
}

impl Failure {
    fn into_problem(self, upstream: &Upstream, method: &Method) -> Problem {
        let name = &upstream.name;
        match self {
            Self::NothingSent(reason) => {
                Problem::unavailable(format!("The {name} cannot be reached at the moment. Nothing was done."))
                    .caused_by(format_args!("cannot reach the {name}: {reason}"))
            }
            Self::TooLarge => body::too_large(),
            Self::Unreadable => Problem::new(problem_type::MALFORMED_JSON, "The body broke off before its end."),
            Self::BrokenOff(reason) => {
                let kind = if method.is_safe() { problem_type::BAD_GATEWAY } else { problem_type::OUTCOME_UNKNOWN };
                Problem::of(kind).caused_by(format_args!("the {name} broke off: {reason}"))
            }
        }
    }
}

fn too_slow(upstream: &Upstream, method: &Method) -> Problem {
    let kind = if method.is_safe() { problem_type::GATEWAY_TIMEOUT } else { problem_type::OUTCOME_UNKNOWN };
    Problem::of(kind).caused_by(format_args!("the {} did not answer in time", upstream.name))
}

fn too_busy() -> Problem {
    Problem::unavailable("Too many requests are being answered at the moment. Nothing was done.")
        .caused_by("the limit of requests in flight is reached")
}
