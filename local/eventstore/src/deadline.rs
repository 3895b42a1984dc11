//! Enforces `grpc-timeout`. Some clients send it and do not watch the time themselves.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::{Code, Status};

const MESSAGE: &str = "Deadline Exceeded";

/// Ends the call with DEADLINE_EXCEEDED when its time is up, whether or not it has begun to answer.
pub(crate) async fn enforce(request: Request, next: Next) -> Response {
    let Some(timeout) = requested(request.headers()) else {
        return next.run(request).await;
    };
    let mut deadline = Box::pin(sleep(timeout));
    let response = tokio::select! {
        biased;
        response = next.run(request) => response,
        () = &mut deadline => return Status::deadline_exceeded(MESSAGE).into_http::<Body>(),
    };
    response.map(|body| Body::new(LimitedBody { body, deadline, ended: false }))
}

/// The time in a `grpc-timeout` header. What is not readable counts as no limit.
fn requested(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if number.len() > 8 {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// A response body that is cut off, with the status in its trailers, at the deadline.
struct LimitedBody {
    body: Body,
    deadline: Pin<Box<Sleep>>,
    ended: bool,
}

impl HttpBody for LimitedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.deadline.as_mut().poll(context).is_ready() {
            self.ended = true;
            return Poll::Ready(Some(Ok(Frame::trailers(trailers()))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(2);
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from(i32::from(Code::DeadlineExceeded)));
    trailers.insert(Status::GRPC_MESSAGE, HeaderValue::from_static("Deadline%20Exceeded"));
    trailers
}
