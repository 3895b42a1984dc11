//! The request and response headers of the public API.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use shared_kernel::{IdempotencyKey, InvalidPosition, Position};

use crate::cause::only;
use crate::problem::Problem;

/// Makes a command safe to repeat: the same key gives the same outcome.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Where an answer stands, or has to stand at least.
pub const JETBRIDGE_POSITION: HeaderName = HeaderName::from_static("jetbridge-position");
/// Who asks: a name that a client gives itself, kept in the audit log.
pub const JETBRIDGE_ACTOR: HeaderName = HeaderName::from_static("jetbridge-actor");
/// Whom the gateway asks for: a [`shared_kernel::PrincipalId`].
pub const JETBRIDGE_SUBJECT: HeaderName = HeaderName::from_static("jetbridge-subject");
/// What they may do: [`shared_access::Roles`].
pub const JETBRIDGE_ROLES: HeaderName = HeaderName::from_static("jetbridge-roles");
/// The same for everything that one request sets off.
pub const X_CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// W3C trace context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The value of [`JETBRIDGE_POSITION`].
#[must_use]
pub fn position_value(position: &Position) -> HeaderValue {
    // A position is letters, digits and a full stop.
    HeaderValue::try_from(position.to_string()).unwrap_or(HeaderValue::from_static("0"))
}

/// The position that an answer has to cover at least, from the request's `Jetbridge-Position`: all that it lists, and
/// all of several headers, which are one list (RFC 9110, 5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedPosition(pub Option<Position>);

impl<S: Send + Sync> FromRequestParts<S> for RequestedPosition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let malformed = |_| Problem::malformed_header("Jetbridge-Position", InvalidPosition);
        let mut requested: Option<Position> = None;
        for value in parts.headers.get_all(JETBRIDGE_POSITION) {
            let list = value.to_str().map_err(|_| malformed(InvalidPosition))?;
            // Elements of a list may be empty (RFC 9110, 5.6.1), but not all of them.
            for token in list.split(',').map(str::trim).filter(|token| !token.is_empty()) {
                let position: Position = token.parse().map_err(malformed)?;
                requested = Some(requested.unwrap_or_default().and(position));
            }
        }
        if requested.is_none() && parts.headers.contains_key(JETBRIDGE_POSITION) {
            return Err(malformed(InvalidPosition));
        }
        Ok(Self(requested))
    }
}

/// The idempotency key of a request.
///
/// # Errors
/// 400 `malformed-header` if it is not a valid key, or there are several.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    const NAME: &str = "Idempotency-Key";
    let Some(value) = only(headers, &IDEMPOTENCY_KEY, NAME)? else { return Ok(None) };
    let invalid = |_| Problem::malformed_header(NAME, shared_kernel::InvalidIdempotencyKey);
    let text = value.to_str().map_err(|_| Problem::malformed_header(NAME, shared_kernel::InvalidIdempotencyKey))?;
    IdempotencyKey::new(text).map(Some).map_err(invalid)
}
