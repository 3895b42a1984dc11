//! What holds for every gRPC call before its message is looked at.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;

/// The largest request message, in bytes: many times an append's own limit, so that the limit's error gets through.
pub(crate) const MAX_MESSAGE: usize = 16_767_216;

/// The methods whose requests are streams of messages; all others have exactly one.
const CLIENT_STREAMS: [&str; 2] =
    ["/event_store.client.streams.Streams/Append", "/event_store.client.streams.Streams/BatchAppend"];

/// What a request says that is gRPC in its plain form. No page can send it without asking first.
const CONTENT_TYPES: [&str; 2] = ["application/grpc", "application/grpc+proto"];

/// Whether the request says, once, that it is gRPC in its plain form.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let only = given.next().filter(|_| given.next().is_none());
    only.is_some_and(|given| CONTENT_TYPES.iter().any(|known| given == known))
}

/// Lets only whole requests of the right kind through to a service, and answers for methods that it does not have. gRPC
/// is `POST` over HTTP/2; the library below would take anything else as well.
pub(crate) async fn check(mut request: Request, next: Next) -> Response {
    if request.version() != Version::HTTP_2 {
        return (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC needs HTTP/2").into_response();
    }
    if request.method() != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response();
    }
    if !is_grpc(request.headers()) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    // It says how compressed messages are compressed, and those are refused one by one.
    request.headers_mut().remove("grpc-encoding");
    let is_stream = CLIENT_STREAMS.contains(&request.uri().path());
    let request = request.map(|body| Body::new(CheckedBody::new(body, is_stream)));
    let response = next.run(request).await;
    let is_unknown = |headers: &HeaderMap| {
        headers.get(Status::GRPC_STATUS).is_some_and(|code| code == "12") && !headers.contains_key(Status::GRPC_MESSAGE)
    };
    match is_unknown(response.headers()) {
        true => Status::unimplemented("Method is unimplemented.").into_http::<Body>(),
        false => response,
    }
}

/// A request body that fails unless it is whole: the libraries below take a cancelled one for a complete one, and would
/// have the part that has come written.
///
/// The library takes a call that its client resets with NO_ERROR for one that it has ended (RFC 9113, section 8.1, means
/// the reset of a server), and not every version of it says afterwards that the end never came. But it looks for a
/// reset whenever a call waits, and drops it then. So an end waits once before it is believed.
struct CheckedBody {
    body: Body,
    is_stream: bool,
    /// Whether the end has come, and has waited.
    has_waited: bool,
    /// The flag and length in front of a message, as far as they have come.
    prefix: [u8; 5],
    prefix_length: usize,
    /// What is missing of the message.
    missing: usize,
    messages: u64,
}

impl CheckedBody {
    fn new(body: Body, is_stream: bool) -> Self {
        Self { body, is_stream, has_waited: false, prefix: [0; 5], prefix_length: 0, missing: 0, messages: 0 }
    }

    /// Follows the messages in `data`.
    fn follow(&mut self, mut data: &[u8]) -> Result<(), Status> {
        while !data.is_empty() {
            if self.missing > 0 {
                let here = self.missing.min(data.len());
                self.missing -= here;
                data = data.get(here..).unwrap_or_default();
                continue;
            }
            let needed = self.prefix.iter_mut().skip(self.prefix_length);
            let taken = needed.zip(data).map(|(byte, new)| *byte = *new).count();
            self.prefix_length += taken;
            data = data.get(taken..).unwrap_or_default();
            if self.prefix_length == self.prefix.len() {
                self.prefix_length = 0;
                self.begin_message()?;
            }
        }
        Ok(())
    }

    fn begin_message(&mut self) -> Result<(), Status> {
        let [flag, length @ ..] = self.prefix;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        self.missing = length;
        self.messages += 1;
        if length > MAX_MESSAGE {
            return Err(Status::resource_exhausted("Received message exceeds the maximum configured message size."));
        }
        if flag != 0 {
            return Err(Status::unimplemented("Compressed messages are not supported."));
        }
        if !self.is_stream && self.messages > 1 {
            return Err(Status::internal("Additional data after the message received."));
        }
        Ok(())
    }

    fn check_end(&self) -> Result<(), Status> {
        if !self.body.is_end_stream() {
            return Err(broken_off());
        }
        if self.missing > 0 || self.prefix_length > 0 || (!self.is_stream && self.messages == 0) {
            return Err(Status::internal("Incomplete message."));
        }
        Ok(())
    }
}

/// Nobody receives it. It must not be CANCELLED, which the gRPC library takes for the end of the request.
fn broken_off() -> Status {
    Status::aborted("The request was broken off.")
}

impl HttpBody for CheckedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let checked = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => {
                let followed = frame.data_ref().map_or(Ok(()), |data| self.follow(data));
                Some(followed.map(|()| frame))
            }
            Some(Err(_)) => Some(Err(broken_off())),
            None => match self.check_end() {
                Err(status) => Some(Err(status)),
                Ok(()) if self.has_waited => None,
                Ok(()) => {
                    self.has_waited = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
            },
        };
        Poll::Ready(checked)
    }

    fn is_end_stream(&self) -> bool {
        // Only `poll_frame` can tell whether the end is a good one.
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
