use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use shared_kernel::{Position, Revision};

use crate::csv;
use crate::headers::{self, JETBRIDGE_POSITION};
use crate::preconditions::{IfNoneMatch, etag};
use crate::problem::Problem;

/// What a route answers.
pub type ReplyResult<T> = Result<Reply<T>, Problem>;

/// An answer that is not a problem: a status, a JSON body, and the headers that the public API promises.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    status: StatusCode,
    headers: HeaderMap,
    body: Option<T>,
}

impl<T: Serialize> Reply<T> {
    /// 200 with this body.
    #[must_use]
    pub fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::new(), body: Some(body) }
    }

    /// 201 with this body, which is found at the path `location` from now on.
    #[must_use]
    pub fn created(location: &str, body: T) -> Self {
        let mut reply = Self { status: StatusCode::CREATED, ..Self::ok(body) };
        if let Ok(location) = HeaderValue::from_str(location) {
            reply.headers.insert(header::LOCATION, location);
        }
        reply
    }

    /// Adds the `ETag` of the thing in the body.
    #[must_use]
    pub fn revision(mut self, revision: Revision) -> Self {
        self.headers.insert(header::ETAG, etag(revision));
        self
    }

    /// Adds `Jetbridge-Position`: where the command's events are, or what the answer reflects.
    #[must_use]
    pub fn position(mut self, position: Position) -> Self {
        self.headers.insert(JETBRIDGE_POSITION, headers::position_value(&position));
        self
    }

    /// Says that the answer is in the [`Format`](crate::csv::Format) that the client would rather have.
    #[must_use]
    pub fn in_one_of_the_formats(mut self) -> Self {
        let (name, value) = csv::VARY_BY_ACCEPT;
        self.headers.insert(name, value);
        self
    }

    /// Answers 304 without the body if the client has the thing at this revision already.
    #[must_use]
    pub fn unless_known(self, revision: Revision, known: &IfNoneMatch) -> Self {
        let reply = self.revision(revision);
        if known.covers(revision) { Self { status: StatusCode::NOT_MODIFIED, body: None, ..reply } } else { reply }
    }
}

impl Reply<()> {
    /// 204.
    #[must_use]
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: HeaderMap::new(), body: None }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        match self.body {
            Some(body) => (self.status, self.headers, Json(body)).into_response(),
            None => (self.status, self.headers).into_response(),
        }
    }
}
