//! Errors as the public API shows them: `application/problem+json` (RFC 9457).

mod throttle;

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value};
use shared_kernel::{ExecuteError, Interruption, Position, ProblemType, QueryError, Revision};
use shared_trace::CorrelationId;

use crate::headers::{JETBRIDGE_POSITION, position_value};
use crate::problem_type;

/// The media type of a problem.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// How long clients are asked to wait when nothing better is known.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long clients are asked to wait when a person has to mend something first.
const REFUSED_RETRY_AFTER: Duration = Duration::from_secs(10);

/// A refused or failed request, as its sender gets to know it.
///
/// Turning one with a 5xx status, or 421, into a response logs it, once, with what was given to [`Problem::caused_by`];
/// one with 401 only if something was given.
/// What fails for every client at once is logged once a second for each type, with the number of those left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(Box<Content>);

#[derive(Debug, Clone, PartialEq)]
struct Content {
    kind: &'static ProblemType,
    detail: String,
    members: Map<String, Value>,
    retry_after: Option<Duration>,
    position: Option<Position>,
    headers: HeaderMap,
    cause: Option<String>,
}

impl Problem {
    /// A problem of this type; `detail` says to people what is the matter this time, and what to do.
    #[must_use]
    pub fn new(kind: &'static ProblemType, detail: impl Into<String>) -> Self {
        Self(Box::new(Content {
            kind,
            detail: detail.into(),
            members: Map::new(),
            retry_after: None,
            position: None,
            headers: HeaderMap::new(),
            cause: None,
        }))
    }

    /// A problem about which nothing more can be said than what its type means.
    #[must_use]
    pub fn of(kind: &'static ProblemType) -> Self {
        Self::new(kind, kind.meaning)
    }

    /// 400: a header whose value cannot be read; `detail` continues the sentence "The header … ".
    #[must_use]
    pub fn malformed_header(name: &str, detail: impl fmt::Display) -> Self {
        Self::new(problem_type::MALFORMED_HEADER, format!("The header {name} {detail}."))
    }

    /// 422: what is wrong with the fields or query parameters of a request that could be read.
    #[must_use]
    pub fn invalid_request(errors: Vec<InvalidPart>) -> Self {
        let detail = match errors.as_slice() {
            [only] => only.to_string(),
            _ => format!("{} things have to be changed; see `errors`.", errors.len()),
        };
        Self::new(problem_type::INVALID_REQUEST, detail).with("errors", errors)
    }

    /// 500. `cause` is for the log alone and must not hold personal data.
    #[must_use]
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::of(problem_type::INTERNAL_ERROR).caused_by(cause)
    }

    /// 503 with Retry-After: nothing was done, because something needed is not available. `detail` says what.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(problem_type::UNAVAILABLE, detail).retry_after(DEFAULT_RETRY_AFTER)
    }

    /// 429 with Retry-After. `detail` says of what there is too much.
    #[must_use]
    pub fn too_many_requests(detail: impl Into<String>) -> Self {
        Self::new(problem_type::TOO_MANY_REQUESTS, detail).retry_after(DEFAULT_RETRY_AFTER)
    }

    /// 503 with Retry-After: the read model has not caught up with the position that was asked for.
    #[must_use]
    pub fn not_yet() -> Self {
        Self::of(problem_type::NOT_YET).retry_after(DEFAULT_RETRY_AFTER)
    }

    /// 503 with Retry-After: what was asked for could not be brought up to date with this event.
    #[must_use]
    pub fn parked(stream: &str, event_number: Revision) -> Self {
        let detail = format!(
            "Event {event_number} of {stream} is about this, could not be processed, and waits until an operator has it \
             processed again or discards it."
        );
        Self::new(problem_type::PARKED, detail)
            .with("stream", stream)
            .with("eventNumber", event_number)
            .retry_after(REFUSED_RETRY_AFTER)
    }

    /// 504: a command that may have been carried out or not.
    #[must_use]
    pub fn outcome_unknown() -> Self {
        Self::of(problem_type::OUTCOME_UNKNOWN)
    }

    /// What to answer when a command was not executed; `rejected` says what a rule's own answer means.
    #[must_use]
    pub fn of_execution<R>(error: ExecuteError<R>, rejected: impl FnOnce(R) -> Self) -> Self {
        match error {
            ExecuteError::Rejected { rejection, .. } => rejected(rejection),
            ExecuteError::KeyReused => Self::of(problem_type::IDEMPOTENCY_KEY_REUSED),
            ExecuteError::Interrupted(interruption) => interruption.into(),
        }
    }

    /// Adds an extension member. A value that has no JSON form is left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.members.insert(name.to_owned(), value);
        }
        self
    }

    /// Asks the client to wait this long before it tries again; rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Adds `Jetbridge-Position`: what the answer has taken into account.
    #[must_use]
    pub fn position(mut self, position: Position) -> Self {
        self.0.position = Some(position);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Adds what operators should find in the log. Must not hold personal data.
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The type.
    #[must_use]
    pub fn kind(&self) -> &'static ProblemType {
        self.0.kind
    }

    /// What is the matter this time, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Its HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        // Types of problems are constants, whose declaration checks it.
        StatusCode::from_u16(self.0.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn log(&self) {
        let status = self.status();
        // One for another host, or from a service with another token, is mended by operators as well.
        let is_misconfigured = self.0.kind == problem_type::MISDIRECTED_REQUEST
            || self.0.kind == problem_type::AUTHENTICATION_REQUIRED && self.0.cause.is_some();
        if !status.is_server_error() && !is_misconfigured {
            return;
        }
        let (kind, status) = (self.0.kind.slug, status.as_u16());
        let cause = self.0.cause.as_deref().unwrap_or(&self.0.detail);
        if self.0.kind == problem_type::INTERNAL_ERROR {
            tracing::error!(problem.r#type = kind, http.status = status, "request failed: {cause}");
        } else if let Some(unlogged) = throttle::admit(self.0.kind) {
            tracing::warn!(
                problem.r#type = kind,
                http.status = status,
                problem.unlogged = unlogged,
                "request failed: {cause}"
            );
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.slug, self.0.detail)
    }
}

impl std::error::Error for Problem {}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl Problem {
    /// Its JSON document, in one line, and how long the client should wait before it tries again: for an answer that has
    /// begun with another status. Logs as turning it into a response does.
    #[must_use]
    pub fn into_document(self) -> (String, Option<Duration>) {
        self.log();
        (self.document(), self.0.retry_after)
    }

    fn document(&self) -> String {
        let document = Document {
            r#type: self.0.kind.path,
            title: self.0.kind.title,
            status: self.status().as_u16(),
            detail: &self.0.detail,
            instance: CorrelationId::current().map(instance),
            members: &self.0.members,
        };
        // Strings, numbers and JSON values always have a JSON form.
        serde_json::to_string(&document).unwrap_or_default()
    }
}

/// The occurrence of a problem, by the correlation id of the request.
fn instance(id: CorrelationId) -> String {
    /// What a name of a URN holds as it is (RFC 8141).
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    format!("urn:correlation-id:{}", utf8_percent_encode(id.as_str(), ENCODED))
}

impl IntoResponse for Problem {
    /// The response carries its [`ProblemType`] among its extensions.
    fn into_response(self) -> Response {
        self.log();
        let mut response = Response::new(Body::from(self.document()));
        response.extensions_mut().insert(self.0.kind);
        *response.status_mut() = self.status();
        *response.headers_mut() = self.0.headers;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        if let Some(position) = self.0.position {
            headers.insert(JETBRIDGE_POSITION, position_value(&position));
        }
        response
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvalidPart {
    /// Where it is.
    #[serde(flatten)]
    pub place: FaultPlace,
    /// What to change, as the end of a sentence that starts with the place.
    pub detail: String,
}

/// Where in a request something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultPlace {
    /// A JSON pointer (RFC 6901) into the body; empty for the whole body.
    Pointer(String),
    /// A query parameter's name.
    Parameter(String),
}

impl fmt::Display for InvalidPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            FaultPlace::Pointer(pointer) if pointer.is_empty() => write!(f, "The body {}.", self.detail),
            FaultPlace::Pointer(pointer) => write!(f, "{pointer} {}.", self.detail),
            FaultPlace::Parameter(name) => write!(f, "The query parameter {name} {}.", self.detail),
        }
    }
}

impl From<Interruption> for Problem {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Overloaded => {
                Self::too_many_requests("Too many commands are waiting at the moment. Nothing was done.")
            }
            Interruption::Unavailable(cause) => {
                Self::unavailable("Something this request needs is not available at the moment. Nothing was done.")
                    .caused_by(cause)
            }
            Interruption::Refused(cause) => Self::new(
                problem_type::EVENT_STORE_REFUSED,
                "The event store refuses what this request needs. Nothing was done.",
            )
            .retry_after(REFUSED_RETRY_AFTER)
            .caused_by(cause),
            Interruption::OutcomeUnknown(cause) => Self::outcome_unknown().caused_by(cause),
            Interruption::Internal(cause) => Self::internal(cause),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotYet => Self::not_yet(),
            QueryError::Parked { stream, revision } => Self::parked(stream, revision),
            QueryError::OtherHistory => {
                Self::of(problem_type::READ_MODEL_OF_ANOTHER_HISTORY).retry_after(DEFAULT_RETRY_AFTER)
            }
            QueryError::Interrupted(interruption) => interruption.into(),
        }
    }
}
