//! The request and response headers of the public API.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use shared_kernel::{Cause, IdempotencyKey, InvalidPosition, Position, Revision};
use uuid::Uuid;

use crate::problem::Problem;

/// Makes a command safe to repeat: the same key gives the same outcome.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Where an answer stands, or has to stand at least.
pub const JETBRIDGE_POSITION: HeaderName = HeaderName::from_static("jetbridge-position");
/// Who asks: a name that a client gives itself, kept in the audit log.
pub const JETBRIDGE_ACTOR: HeaderName = HeaderName::from_static("jetbridge-actor");
/// The same for everything that one request sets off.
pub const X_CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// W3C trace context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const MAX_CORRELATION_ID_LENGTH: usize = 64;
const MAX_ACTOR_LENGTH: usize = 100;
const ANONYMOUS: &str = "anonymous";

/// What `If-Match` demands of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(Option<Revision>);

impl IfMatch {
    /// A revision that no event ever gets, so that nothing is at it.
    const NEVER: Revision = Revision(u64::MAX);

    /// The revision that the thing has to have; `None` if any will do.
    ///
    /// Revisions only grow. Of several ETags that a client has seen, only the newest can still be current.
    #[must_use]
    pub const fn expected_revision(self) -> Option<Revision> {
        self.0
    }

    /// Reads the header; absent and `*` demand nothing, since commands on what does not exist fail anyway.
    ///
    /// # Errors
    /// 400 `malformed-header` if it is neither `*` nor a list of ETags.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let malformed =
            || Problem::malformed_header("If-Match", "must be * or ETags in double quotes, as they were received");
        let mut tags = Vec::new();
        let mut any = false;
        for value in headers.get_all(header::IF_MATCH) {
            let text = value.to_str().map_err(|_| malformed())?;
            if text.trim() == "*" {
                any = true;
            } else {
                tags.extend(entity_tags(text).ok_or_else(malformed)?);
            }
        }
        if any || !headers.contains_key(header::IF_MATCH) {
            return Ok(Self(None));
        }
        let newest = tags.into_iter().filter(|tag| !tag.weak).filter_map(|tag| revision(tag.value)).max();
        Ok(Self(Some(newest.unwrap_or(Self::NEVER))))
    }
}

/// What `If-None-Match` says that the client has already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IfNoneMatch {
    any: bool,
    revisions: Vec<Revision>,
}

impl IfNoneMatch {
    /// Whether the client has the thing at this revision, so that 304 is enough.
    #[must_use]
    pub fn covers(&self, revision: Revision) -> bool {
        self.any || self.revisions.contains(&revision)
    }
}

/// A header that cannot be read is as good as none: the answer is then complete.
impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut found = Self::default();
        for text in parts.headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()) {
            found.any |= text.trim() == "*";
            let tags = entity_tags(text).unwrap_or_default();
            found.revisions.extend(tags.into_iter().filter_map(|tag| revision(tag.value)));
        }
        Ok(found)
    }
}

/// The `ETag` of a thing at this revision.
#[must_use]
pub fn etag(revision: Revision) -> HeaderValue {
    // Digits in quotes are always a valid header value.
    HeaderValue::try_from(format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// The value of [`JETBRIDGE_POSITION`].
#[must_use]
pub fn position_value(position: &Position) -> HeaderValue {
    // A position is letters, digits and a full stop.
    HeaderValue::try_from(position.to_string()).unwrap_or(HeaderValue::from_static("0"))
}

struct EntityTag<'a> {
    weak: bool,
    value: &'a str,
}

/// The entity tags of a list such as `"12", W/"x"` (RFC 9110, 8.8.3); `None` if it is not one.
fn entity_tags(list: &str) -> Option<Vec<EntityTag<'_>>> {
    let mut tags = Vec::new();
    let mut rest = list.trim();
    loop {
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (value, after) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push(EntityTag { weak, value });
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(tags);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

fn revision(tag: &str) -> Option<Revision> {
    let digits = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit());
    tag.parse().ok().filter(|_| digits).map(Revision)
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
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::malformed_header(NAME, "must be given only once"));
    }
    let invalid = |_| Problem::malformed_header(NAME, shared_kernel::InvalidIdempotencyKey);
    let text = value.to_str().map_err(|_| Problem::malformed_header(NAME, shared_kernel::InvalidIdempotencyKey))?;
    IdempotencyKey::new(text).map(Some).map_err(invalid)
}

/// Where a request comes from, as far as its headers say; what they leave out or say badly is filled in.
#[must_use]
pub fn cause(headers: &HeaderMap) -> Cause {
    Cause {
        correlation_id: visible_ascii(headers, &X_CORRELATION_ID, MAX_CORRELATION_ID_LENGTH)
            .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned),
        causation_id: None,
        actor: visible_ascii(headers, &JETBRIDGE_ACTOR, MAX_ACTOR_LENGTH).unwrap_or(ANONYMOUS).to_owned(),
        trace_parent: trace_parent(headers),
        step_of: None,
    }
}

fn visible_ascii<'a>(headers: &'a HeaderMap, name: &HeaderName, max: usize) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let visible = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    (visible && (1..=max).contains(&text.len())).then_some(text)
}

/// The `traceparent`, if it is well-formed in the version of the specification that is known.
fn trace_parent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = text.split('-');
    let mut hex = |length: usize| {
        parts
            .next()
            .filter(|part| part.len() == length)
            .filter(|part| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    };
    let (version, trace, parent, _flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let known = version == "00" && parts.next().is_none();
    let is_set = |id: &str| id.bytes().any(|digit| digit != b'0');
    (known && is_set(trace) && is_set(parent)).then(|| text.to_owned())
}
