//! Request bodies of limited size.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Frame;

use crate::problem::Problem;
use crate::problem_type;

/// The largest request body that is accepted, in bytes.
pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// How much of a refused body is still taken, in bytes, and for how long.
const DISCARD_BYTES: usize = 32 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Reads a whole body.
///
/// # Errors
/// 413 `content-too-large` above [`MAX_BODY_BYTES`], 400 `malformed-json` if it breaks off.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    match limited(headers, body).await?.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.source().is_some_and(<dyn Error>::is::<BodyTooLarge>) => Err(too_large()),
        Err(_) => Err(Problem::new(problem_type::MALFORMED_JSON, "The body broke off before its end.")),
    }
}

/// Limits a body that is passed on while it arrives: its error is [`BodyTooLarge`] once it has become larger than
/// [`MAX_BODY_BYTES`].
///
/// # Errors
/// 413 `content-too-large` at once if the request itself says that its body is larger.
pub async fn limited(headers: &HeaderMap, body: Body) -> Result<Body, Problem> {
    if is_declared_too_large(headers) {
        // Who expects to be told whether to go on has not sent anything yet.
        if !headers.contains_key(header::EXPECT) {
            discard(body).await;
        }
        return Err(too_large());
    }
    let is_small = body.size_hint().exact().is_some_and(|size| size <= MAX_BODY_BYTES as u64);
    Ok(if is_small { body } else { Body::new(Capped { body, taken: 0 }) })
}

/// A body is larger than [`MAX_BODY_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is larger than {MAX_BODY_BYTES} bytes")]
pub struct BodyTooLarge;

/// A body that fails at its end if it was too large by then. What is too much is taken and dropped, for the same reason
/// as in [`discard`].
struct Capped {
    body: Body,
    taken: usize,
}

impl HttpBody for Capped {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            let next = ready!(Pin::new(&mut self.body).poll_frame(cx));
            let Some(Ok(frame)) = next else {
                let at_end = next.is_none() && self.taken > MAX_BODY_BYTES;
                return Poll::Ready(if at_end {
                    Some(Err(BodyTooLarge.into()))
                } else {
                    next.map(|frame| frame.map_err(Into::into))
                });
            };
            self.taken = self.taken.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if self.taken <= MAX_BODY_BYTES {
                return Poll::Ready(Some(Ok(frame)));
            }
            if self.taken > DISCARD_BYTES {
                return Poll::Ready(Some(Err(BodyTooLarge.into())));
            }
        }
    }
}

fn is_declared_too_large(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    declared.is_some_and(|length| length > MAX_BODY_BYTES as u64)
}

/// Takes a body that is not wanted, within limits: a client that is still sending when the connection closes would not
/// get to see the answer.
async fn discard(body: Body) {
    let mut rest = Limited::new(body, DISCARD_BYTES);
    let all = async { while let Some(Ok(_)) = rest.frame().await {} };
    // Either way there is nothing left to do.
    let _ = tokio::time::timeout(DISCARD_TIME, all).await;
}

/// 413 `content-too-large`.
#[must_use]
pub fn too_large() -> Problem {
    Problem::new(problem_type::CONTENT_TOO_LARGE, format!("The body is larger than {MAX_BODY_BYTES} bytes."))
}
