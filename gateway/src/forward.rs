use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use http::request::Parts;
use http::uri::Authority;
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use hyper_util::client::legacy;
use shared_access::Access;
use shared_kernel::ProblemType;
use shared_service::headers::IDEMPOTENCY_KEY;
use shared_service::problem::Problem;
use shared_service::problem_type;
use shared_service::{ErrorChain, ServiceNames, TakenRoute, actor, admit, check_expectations};
use shared_telemetry::table::UPSTREAM_FAILURES;
use tokio::time::{Instant, timeout_at};

use crate::admission::{Admission, TakenIn};
use crate::authentication::Authentication;
use crate::client::Client;
use crate::hop;
use crate::identity::Identity;
use crate::limits::Limits;
use crate::paced::Paced;
use crate::places::Place;
use crate::upstream::{Instance, Lease, Upstream, Upstreams};
use crate::visitor::{Known, Visitor, Who};

/// How often it is checked whether who follows a stream may still do so.
const RECHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Passes requests on to the services.
pub(crate) struct Forwarder {
    upstreams: Upstreams,
    limits: Limits,
    admission: Admission,
    authentication: Authentication,
    names: ServiceNames,
}

impl Forwarder {
    pub(crate) fn new(upstreams: Upstreams, limits: Limits, authentication: Authentication) -> Self {
        let domains = upstreams.processors().iter().map(|processor| processor.domain.name);
        let admission = Admission::new(limits, authentication.is_none());
        Self { names: ServiceNames::of(domains), upstreams, limits, admission, authentication }
    }

    /// Answers everything below `/api`, and with 404 what is nowhere.
    pub(crate) async fn forward(&self, request: Request) -> Response {
        let collection = self.upstreams.collection(request.uri().path());
        // It is copied from layer to layer as long as it is not in a place of its own.
        let mut response = Box::pin(self.answer(request)).await.unwrap_or_else(Problem::into_response);
        if let Some(collection) = collection
            && (shared_trace::is_on() || response.extensions().get::<&'static ProblemType>().is_some())
        {
            response.extensions_mut().insert(TakenRoute::below(&format!("/api/{collection}")));
        }
        response
    }

    async fn answer(&self, request: Request) -> Result<Response, Problem> {
        check_expectations(request.headers())?;
        let (mut parts, body) = request.into_parts();
        let Some(upstream) = self.upstreams.for_path(parts.uri.path()) else {
            return Err(Problem::of(problem_type::NOT_FOUND));
        };
        // Which role it takes is decided by the service, which knows what a path stands for.
        admit(Access::Known, &parts.extensions)?;
        let visitor = parts.extensions.remove::<Visitor>().ok_or_else(|| Problem::internal("nobody is at the door"))?;
        if !parts.method.is_safe() {
            // A service knows only some of the names.
            actor(&parts.headers, Some(&self.names))?;
        }
        let TakenIn { bytes, room: _room } = self.admission.take_in(visitor.client, &parts.headers, body).await?;
        let _place = self.admission.admit(visitor.client)?;
        readdress(&mut parts, &visitor, bytes.len());
        let method = parts.method.clone();
        match self.send(upstream, parts, bytes).await? {
            // Who asks was settled here: it is the gateway itself that the service does not know.
            Ok((response, _)) if response.status() == StatusCode::UNAUTHORIZED => Err(unknown_to(upstream)),
            Ok((response, lease)) => self.pass_back(response, lease, visitor),
            Err(failure) => Err(failure.into_problem(upstream, &method)),
        }
    }

    /// Takes a place among the requests that wait for an answer, until what this gives is dropped.
    pub(crate) fn admit(&self, client: Client) -> Result<Place, Problem> {
        self.admission.admit(client)
    }

    pub(crate) const fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    pub(crate) const fn admission(&self) -> &Admission {
        &self.admission
    }

    /// How long a service may take whose answer becomes part of one of the gateway's own: a little less than that.
    pub(crate) fn answer_limit(&self) -> Duration {
        self.limits.request.mul_f64(0.95)
    }

    pub(crate) fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// Has an instance of a service answer, and another one if that fails in a way that lets it be asked for once more.
    ///
    /// The client tries again by itself where a pooled connection turned out to be closed before anything was sent.
    async fn send(&self, upstream: &Upstream, parts: Parts, body: Bytes) -> Result<Sent, Problem> {
        let Some(first) = upstream.pick() else { return Err(Problem::internal("a service without an instance")) };
        let deadline = Instant::now() + self.limits.request;
        let repeats = Repeats::of(&parts);
        // What changes something has only one place to go, as long as there is only one.
        let spare = (repeats == Repeats::Always || upstream.has_several()).then(|| (parts.clone(), body.clone()));
        let failure = match self.attempt(upstream, first, parts, body, deadline).await? {
            Ok(sent) => return Ok(Ok(sent)),
            Err(failure) => failure,
        };
        let (Some((parts, body)), Some(second)) = (spare, failure.next(upstream, repeats)) else {
            return Ok(Err(failure.why));
        };
        tracing::debug!(upstream.name = upstream.name, "asking once more: {}", failure.why);
        let is_unknown = repeats != Repeats::Always && matches!(failure.why, Failure::BrokenOff(_));
        match self.attempt(upstream, second, parts, body, deadline).await? {
            // It has done nothing; the first may have.
            Ok((response, _)) if is_unknown && says_nothing_was_done(response.status()) => Ok(Err(failure.why)),
            Err(again) if is_unknown && matches!(again.why, Failure::NothingSent(_)) => Ok(Err(failure.why)),
            outcome => Ok(outcome.map_err(|again| again.why)),
        }
    }

    async fn attempt(
        &self,
        upstream: &Upstream,
        lease: Lease,
        mut parts: Parts,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Result<(Response<Body>, Lease), Attempt>, Problem> {
        lease.address(&mut parts).map_err(Problem::internal)?;
        let answer = self.upstreams.send(&lease, Request::from_parts(parts, Body::from(body)));
        let why = match timeout_at(deadline, answer).await {
            Ok(Ok(response)) => return Ok(Ok((response, lease))),
            Ok(Err(error)) => Failure::from(error),
            Err(_elapsed) => Failure::TooSlow,
        };
        upstream.note_failure(&lease, why.kind());
        Ok(Err(Attempt { lease, why }))
    }

    fn pass_back(&self, response: Response<Body>, lease: Lease, visitor: Visitor) -> Result<Response, Problem> {
        let (mut parts, body) = response.into_parts();
        hop::remove_connection_headers(&mut parts.headers);
        let body = if is_event_stream(&parts.headers) {
            let place = self.admission.open_feed(visitor.client)?;
            let feed = body.into_data_stream().inspect(move |_| {
                // They are taken until the stream is dropped.
                let _ = (&place, &lease);
            });
            match visitor.who {
                Who::Known(known) => Body::from_stream(feed.take_until(ended(self.authentication.clone(), known))),
                Who::Anybody | Who::Nobody => Body::from_stream(feed),
            }
        } else {
            Body::new(Paced::new(body, self.limits.pause, lease))
        };
        Ok(Response::from_parts(parts, body))
    }
}

/// Waits until what somebody is known by has ended.
async fn ended(authentication: Authentication, known: Known) {
    while authentication.still(&known) {
        tokio::time::sleep(RECHECK_INTERVAL).await;
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

/// Makes a request to the gateway one to a service: same method, path, query and body.
fn readdress(parts: &mut Parts, visitor: &Visitor, length: usize) {
    hop::remove_connection_headers(&mut parts.headers);
    // The body has arrived, in whatever way.
    let says_length = parts.headers.remove(header::CONTENT_LENGTH).is_some();
    if says_length || length > 0 {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    // Whether to continue has been settled with the client.
    parts.headers.remove(header::EXPECT);
    visitor.sender.describe(&mut parts.headers, parts.uri.authority().map(Authority::as_str));
    Identity::of(&visitor.who).apply(&mut parts.headers);
    parts.version = Version::HTTP_11;
    parts.extensions = Extensions::new();
}

/// Whether a request may be sent once more, although the first time it may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeats {
    /// It changes nothing.
    Always,
    /// Services know it again by its key, whichever instance has carried it out.
    ByKey,
    Never,
}

impl Repeats {
    fn of(request: &Parts) -> Self {
        match request.method.is_safe() {
            true => Self::Always,
            false if request.headers.contains_key(IDEMPOTENCY_KEY) => Self::ByKey,
            false => Self::Never,
        }
    }
}

/// Whether an answer says that a command was not carried out here, rather than what came of it. One with 422 may mean
/// that its key was used for another request: an instance of the release before does not recognise what a newer one has
/// recorded.
fn says_nothing_was_done(status: StatusCode) -> bool {
    const WITHOUT_OUTCOME: [StatusCode; 3] =
        [StatusCode::TOO_MANY_REQUESTS, StatusCode::UNAUTHORIZED, StatusCode::UNPROCESSABLE_ENTITY];
    status.is_server_error() || WITHOUT_OUTCOME.contains(&status)
}

/// What a service has answered, and the instance that has; or why there is no answer.
type Sent = Result<(Response<Body>, Lease), Failure>;

/// An attempt that has failed.
struct Attempt {
    lease: Lease,
    why: Failure,
}

impl Attempt {
    /// The instance that is asked next, if any is.
    fn next(&self, upstream: &Upstream, repeats: Repeats) -> Option<Lease> {
        let tried: &Instance = &self.lease;
        match (&self.why, repeats) {
            (Failure::NothingSent(_), _) | (Failure::BrokenOff(_), Repeats::ByKey) => {
                upstream.pick_other_than(Some(tried))
            }
            (Failure::BrokenOff(_), Repeats::Always) => {
                upstream.pick_other_than(Some(tried)).or_else(|| upstream.pick())
            }
            (Failure::BrokenOff(_), Repeats::Never) | (Failure::TooSlow, _) => None,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// There is no connection, or it was closed before anything was sent.
    #[error("nothing was sent: {0}")]
    NothingSent(String),
    /// After the request, or some of it, was sent.
    #[error("the connection broke: {0}")]
    BrokenOff(String),
    /// It did not come in time.
    #[error("no answer in time")]
    TooSlow,
}

impl From<legacy::Error> for Failure {
    fn from(error: legacy::Error) -> Self {
        let causes = || std::iter::successors(error.source(), |cause| (**cause).source());
        let is_unsent = |cause: &hyper::Error| cause.is_canceled();
        if error.is_connect() || causes().filter_map(<dyn Error>::downcast_ref).any(is_unsent) {
            Self::NothingSent(ErrorChain(&error).to_string())
        } else {
            Self::BrokenOff(ErrorChain(&error).to_string())
        }
    }
}

impl Failure {
    /// What it is, for the log.
    const fn kind(&self) -> &'static str {
        match self {
            Self::NothingSent(_) => "cannot be reached",
            Self::BrokenOff(_) => "broke off",
            Self::TooSlow => "did not answer in time",
        }
    }

    fn into_problem(self, upstream: &Upstream, method: &Method) -> Problem {
        let name = &upstream.name;
        match self {
            Self::NothingSent(reason) => {
                has_failed(upstream, "unreachable");
                Problem::unavailable(format!("The {name} cannot be reached at the moment. Nothing was done."))
                    .caused_by(format_args!("cannot reach the {name}: {reason}"))
            }
            Self::BrokenOff(reason) => {
                has_failed(upstream, "broken_off");
                let kind = if method.is_safe() { problem_type::BAD_GATEWAY } else { problem_type::OUTCOME_UNKNOWN };
                Problem::of(kind).caused_by(format_args!("the {name} broke off: {reason}"))
            }
            Self::TooSlow => {
                has_failed(upstream, "too_slow");
                let kind = if method.is_safe() { problem_type::GATEWAY_TIMEOUT } else { problem_type::OUTCOME_UNKNOWN };
                Problem::of(kind).caused_by(format_args!("the {name} did not answer in time"))
            }
        }
    }
}

/// Counts that a service has not answered.
fn has_failed(upstream: &Upstream, failure: &str) {
    UPSTREAM_FAILURES.of([&upstream.name, failure]).inc();
}

fn unknown_to(upstream: &Upstream) -> Problem {
    has_failed(upstream, "token_refused");
    let name = &upstream.name;
    Problem::unavailable(format!("The {name} does not answer the gateway at the moment. Nothing was done.")).caused_by(
        format_args!(
            "the {name} does not accept the gateway's service token; set the same --service-token-file for both"
        ),
    )
}
