use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use shared_access::Access;
use shared_kernel::ProblemType;
use shared_service::problem::Problem;
use shared_service::problem_type;
use shared_service::{ErrorChain, ServiceNames, TakenRoute, actor, admit, check_expectations};

use crate::admission::{Admission, TakenIn};
use crate::authentication::Authentication;
use crate::client::Client;
use crate::hop;
use crate::identity::Identity;
use crate::limits::Limits;
use crate::paced::Paced;
use crate::places::Place;
use crate::upstream::{Upstream, Upstreams};
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
        let mut response = self.answer(request).await.unwrap_or_else(Problem::into_response);
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
        readdress(&mut parts, upstream, &visitor, bytes.len())?;
        let method = parts.method.clone();
        let answer = self.send(upstream, parts, bytes);
        match tokio::time::timeout(self.limits.request, answer).await {
            // Who asks was settled here: it is the gateway itself that the service does not know.
            Ok(Ok(response)) if response.status() == StatusCode::UNAUTHORIZED => Err(unknown_to(upstream)),
            Ok(Ok(response)) => self.pass_back(response, visitor),
            Ok(Err(failure)) => Err(failure.into_problem(upstream, &method)),
            Err(_elapsed) => Err(too_slow(upstream, &method)),
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

    /// The client tries again by itself where a pooled connection turned out to be closed before anything was sent. If
    /// that happens later, only what changes nothing is sent once more.
    async fn send(&self, upstream: &Upstream, parts: Parts, body: Bytes) -> Result<Response<Incoming>, Failure> {
        if !parts.method.is_safe() {
            return self.upstreams.send(Request::from_parts(parts, Body::from(body))).await.map_err(Failure::from);
        }
        let first = self.upstreams.send(Request::from_parts(parts.clone(), Body::from(body.clone()))).await;
        match first.map_err(Failure::from) {
            Err(Failure::BrokenOff(reason)) => {
                tracing::debug!(upstream.name = upstream.name, "asking again, the connection broke: {reason}");
                self.upstreams.send(Request::from_parts(parts, Body::from(body))).await.map_err(Failure::from)
            }
            answer => answer,
        }
    }

    fn pass_back(&self, response: Response<Incoming>, visitor: Visitor) -> Result<Response, Problem> {
        let (mut parts, body) = response.into_parts();
        hop::remove_connection_headers(&mut parts.headers);
        let body = if is_event_stream(&parts.headers) {
            let place = self.admission.open_feed(visitor.client)?;
            let feed = body.into_data_stream().inspect(move |_| {
                // It is taken until the stream is dropped.
                let _ = &place;
            });
            match visitor.who {
                Who::Known(known) => Body::from_stream(feed.take_until(ended(self.authentication.clone(), known))),
                Who::Anybody | Who::Nobody => Body::from_stream(feed),
            }
        } else {
            Body::new(Paced::new(body, self.limits.pause))
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

/// Makes a request to the gateway one to the service: same method, path, query and body.
fn readdress(parts: &mut Parts, upstream: &Upstream, visitor: &Visitor, length: usize) -> Result<(), Problem> {
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
    /// After the request, or some of it, was sent.
    BrokenOff(String),
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
    fn into_problem(self, upstream: &Upstream, method: &Method) -> Problem {
        let name = &upstream.name;
        match self {
            Self::NothingSent(reason) => {
                Problem::unavailable(format!("The {name} cannot be reached at the moment. Nothing was done."))
                    .caused_by(format_args!("cannot reach the {name}: {reason}"))
            }
            Self::BrokenOff(reason) => {
                let kind = if method.is_safe() { problem_type::BAD_GATEWAY } else { problem_type::OUTCOME_UNKNOWN };
                Problem::of(kind).caused_by(format_args!("the {name} broke off: {reason}"))
            }
        }
    }
}

fn unknown_to(upstream: &Upstream) -> Problem {
    let name = &upstream.name;
    Problem::unavailable(format!("The {name} does not answer the gateway at the moment. Nothing was done.")).caused_by(
        format_args!(
            "the {name} does not accept the gateway's service token; set the same --service-token-file for both"
        ),
    )
}

fn too_slow(upstream: &Upstream, method: &Method) -> Problem {
    let kind = if method.is_safe() { problem_type::GATEWAY_TIMEOUT } else { problem_type::OUTCOME_UNKNOWN };
    Problem::of(kind).caused_by(format_args!("the {} did not answer in time", upstream.name))
}
