//! An event store in this process, which is called without a connection.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::TryFutureExt;
use futures::future::BoxFuture;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::task::AbortOnDropHandle;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt};

type Routes = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// What calls are sent over.
#[derive(Clone)]
pub(super) enum Transport {
    Connection(Channel),
    /// The way to the event store of this process, and the name that a connection would lead to.
    InProcess(InProcess, Authority),
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Connection(channel) => channel.poll_ready(context).map_err(Into::into),
            Self::InProcess(..) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self {
            Self::Connection(channel) => Box::pin(channel.call(request).map_err(Into::into)),
            Self::InProcess(InProcess(routes), place) => Box::pin(answer(routes.clone(), place.clone(), request)),
        }
    }
}

/// The way to an event store that runs in this process. A call takes the same way as one from a connection: it has to
/// know the password, has the same limits, and ends with the event store.
#[derive(Clone)]
pub struct InProcess(Routes);

impl InProcess {
    /// The way to the event store that has these routes.
    pub fn new<S, B>(routes: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(BoxCloneSyncService::new(routes.map_response(|response: Response<B>| response.map(Body::new))))
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("InProcess").finish_non_exhaustive()
    }
}

/// Has a call answered by a task of its own, which is given up with this future: the stack of whoever calls is not deep
/// enough for both, and a panic is not theirs. What is read of the answer later is read by whoever calls.
async fn answer(mut routes: Routes, place: Authority, request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    head.uri = Uri::builder().scheme(Scheme::HTTP).authority(place).path_and_query(path).build()?;
    head.version = Version::HTTP_2;
    let request = Request::from_parts(head, Body::new(Whole { body, has_ended: false }));
    let answering = tokio::spawn(async move {
        poll_fn(|context| routes.poll_ready(context)).await?;
        routes.call(request).await
    });
    let mut response = AbortOnDropHandle::new(answering).await??;
    // What no connection would carry.
    response.extensions_mut().clear();
    Ok(response)
}

/// A request that says when it has ended, as one from a connection does: gRPC's does not, and the event store takes no
/// request whose end has not come.
struct Whole {
    body: Body,
    has_ended: bool,
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.has_ended = frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
