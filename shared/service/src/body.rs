//! Request bodies: limited in size and in time, and taken in whole before anything is done.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use crate::problem::Problem;
use crate::problem_type;

/// The largest request body that is accepted, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// How long a body may take to arrive.
pub const BODY_LIMIT: Duration = Duration::from_secs(10);

/// How much of a refused body is still taken, in bytes, and for how long.
const DISCARD_BYTES: usize = 32 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Reads a whole body.
///
/// # Errors
/// 413 `content-too-large` above [`MAX_BODY_BYTES`], at once if the request says so itself; 408 `request-timeout` after
/// [`BODY_LIMIT`]; 400 `malformed-json` if it breaks off.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    read_within(headers, body, BODY_LIMIT).await
}

/// Reads a whole body, which may take this long to arrive.
///
/// # Errors
/// As [`read`].
pub async fn read_within(headers: &HeaderMap, mut body: Body, limit: Duration) -> Result<Bytes, Problem> {
    if size_at_most(headers, &body) > MAX_BODY_BYTES as u64 {
        // Who expects to be told whether to go on has not sent anything yet.
        if !headers.contains_key(header::EXPECT) {
            tokio::spawn(discard(body));
        }
        return Err(too_large());
    }
    match timeout(limit, Limited::new(&mut body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            tokio::spawn(discard(body));
            Err(too_large())
        }
        Ok(Err(_)) => Err(Problem::new(problem_type::MALFORMED_JSON, "The body broke off before its end.")),
        Err(_elapsed) => Err(too_slow(limit)),
    }
}

/// How large a body is, in bytes, or how large it may become if it does not say so: [`MAX_BODY_BYTES`] then.
#[must_use]
pub fn size_at_most(headers: &HeaderMap, body: &Body) -> u64 {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    declared.or_else(|| body.size_hint().exact()).unwrap_or(MAX_BODY_BYTES as u64)
}

/// Takes a body that is not wanted, within limits, while the refusal is under way: a client that is still sending when
/// the connection closes would not get to see it.
async fn discard(body: Body) {
    let mut rest = Limited::new(body, DISCARD_BYTES);
    let all = async { while let Some(Ok(_)) = rest.frame().await {} };
    // Either way there is nothing left to do.
    let _ = timeout(DISCARD_TIME, all).await;
}

fn too_large() -> Problem {
    Problem::new(problem_type::CONTENT_TOO_LARGE, format!("The body is larger than {MAX_BODY_BYTES} bytes."))
}

fn too_slow(limit: Duration) -> Problem {
    let detail = format!("The body did not arrive within {} ms. Nothing was done.", limit.as_millis());
    Problem::new(problem_type::REQUEST_TIMEOUT, detail)
}

/// Refuses a body in an encoding, such as one that was compressed (RFC 9110, 8.4 and 15.5.16).
///
/// # Errors
/// 415 `unsupported-media-type`, with `Accept-Encoding`.
pub(crate) fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
    let is_plain = |value: &HeaderValue| {
        value.as_bytes().split(|byte| *byte == b',').all(|coding| {
            let coding = coding.trim_ascii();
            coding.is_empty() || coding.eq_ignore_ascii_case(IDENTITY.as_bytes())
        })
    };
    if headers.get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        return Ok(());
    }
    let detail = "The body has a Content-Encoding. Send it without, as plain JSON.";
    Err(Problem::new(problem_type::UNSUPPORTED_MEDIA_TYPE, detail).header(header::ACCEPT_ENCODING, IDENTITY))
}

/// Whether a body is declared to be JSON, in UTF-8 if it is said: `application/json`, or any `application/…+json`.
///
/// # Errors
/// 400 `malformed-header` if it is declared twice, 415 `unsupported-media-type` if it is something else.
pub(crate) fn check_is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let declared = crate::cause::only(headers, &header::CONTENT_TYPE, "Content-Type")?;
    let text = declared.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/");
    if !subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json")) {
        return Err(Problem::of(problem_type::UNSUPPORTED_MEDIA_TYPE));
    }
    // JSON has no such parameter (RFC 8259, 11), but one that says something else is not to be believed otherwise.
    let charset =
        parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let is_utf8 = |(_, value): (&str, &str)| value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8");
    if charset.is_none_or(is_utf8) {
        return Ok(());
    }
    Err(Problem::new(problem_type::UNSUPPORTED_MEDIA_TYPE, "The body has a charset other than UTF-8. Send UTF-8."))
}
