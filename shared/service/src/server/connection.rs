use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderValue, Request, Version, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::Service;

use super::ServerSettings;
use super::access::Access;
use super::completion::complete;
use super::limits::ConnectionLimits;
use super::slots::Slot;
use super::streams::Streams;
use super::tls::{OverTls, Tls};
use super::watch::Answer;
use super::watched::Watched;
use crate::drain::Drain;
use crate::host::Authority;
use crate::path::with_plain_letters;
use crate::problem::Problem;
use crate::traced::correlated;

/// The largest request head, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HTTP2_STREAMS: u32 = 256;
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long a client that was told that its connection ends may take to agree.
const FAREWELL: Duration = Duration::from_secs(1);

/// How the connections of a listener are served.
#[derive(Clone)]
pub(super) struct Serving {
    router: Router,
    access: Arc<Access>,
    limits: ConnectionLimits,
    /// As many requests as connections: with HTTP/2 there could be many times more, each with all that it takes.
    requests: Arc<Semaphore>,
    protocol: Arc<Builder<Streams>>,
    shutdown: CancellationToken,
    drain: Drain,
    tls: Option<Tls>,
}

impl Serving {
    pub(super) fn new(settings: ServerSettings, router: Router, shutdown: CancellationToken) -> Self {
        let ServerSettings { public_hosts, allowed_origins, answers_half_closed, limits, drain, tls, in_process: _ } =
            settings;
        let access = Arc::new(Access::new(public_hosts, allowed_origins));
        let protocol = Arc::new(protocol(&limits, answers_half_closed));
        let requests = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        Self { router, access, limits, requests, protocol, shutdown, drain, tls }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr, slot: Slot) {
        // Answers are written in one piece; waiting for more to send would only delay them.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let Self { limits, protocol, shutdown, .. } = self.clone();
        let slot = Arc::new(slot);
        let (watch, unwanted) = (Arc::clone(&slot.watch), slot.unwanted.clone());
        let stream = Watched::new(stream, Arc::clone(&watch), limits.stalled);
        let stream = match &self.tls {
            None => Either::Left(stream),
            Some(tls) => tokio::select! {
                secured = tls.accept(stream) => match secured {
                    Ok(secured) => Either::Right(secured),
                    Err(error) => return tracing::debug!("a connection is not secured: {error}"),
                },
                () = shutdown.cancelled() => return,
                () = unwanted.cancelled() => return,
            },
        };
        let stream = TokioIo::new(stream);
        let service = hyper::service::service_fn(move |request| self.clone().answer(request, peer, Arc::clone(&slot)));
        let mut connection = std::pin::pin!(protocol.serve_connection(stream, service));
        tokio::select! {
            result = connection.as_mut() => return log(result),
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                return log(connection.await);
            }
            () = unwanted.cancelled() => {}
            () = watch.overdue(&limits) => {}
        }
        if watch.is_waiting_for_head() {
            return;
        }
        connection.as_mut().graceful_shutdown();
        let leaving = ConnectionLimits { idle: FAREWELL, ..limits };
        tokio::select! {
            // First, so that it says goodbye in any case.
            biased;
            result = connection.as_mut() => log(result),
            () = watch.overdue(&leaving) => {}
        }
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        peer: SocketAddr,
        slot: Arc<Slot>,
    ) -> Result<Response<Answer>, Infallible> {
        let answering = slot.begin(request.version());
        let (response, place) = self.answer_request(request, peer).await;
        Ok(response.map(|body| Answer::new(body, answering, place)))
    }

    /// Answers a request that has come without a connection.
    pub(super) async fn answer_in_process(
        self,
        request: Request<Body>,
        peer: SocketAddr,
        counted: TaskTrackerToken,
    ) -> Response {
        let (response, place) = self.answer_request(request, peer).await;
        response.map(|body| Body::new(Answer::without_connection(body, counted, place)))
    }

    /// The answer, and its place among those that are given at the same time, which it has until it is sent.
    async fn answer_request<B>(self, request: Request<B>, peer: SocketAddr) -> (Response, Option<OwnedSemaphorePermit>)
    where
        B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (mut parts, body) = request.into_parts();
        let (method, version) = (parts.method.clone(), parts.version);
        let mut stays_secure = false;
        if self.tls.is_some() {
            parts.extensions.insert(OverTls);
            stays_secure = Authority::of(&parts).is_ok_and(|host| host.is_some_and(|host| host.is_name_of_site()));
        }
        let is_leaving = version < Version::HTTP_2 && self.drain.has_begun();
        let place = Arc::clone(&self.requests).try_acquire_owned().ok();
        let has_place = place.is_some();
        let mut response = correlated(Request::from_parts(parts, body), async |request| match has_place {
            true => self.answer_here(request, peer).await,
            false => too_busy().into_response(),
        })
        .await;
        complete(&method, &mut response, stays_secure);
        if is_leaving {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        (response, place)
    }

    async fn answer_here<B>(self, request: Request<B>, peer: SocketAddr) -> Response
    where
        B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (mut parts, body) = request.into_parts();
        if let Err(problem) = self.access.check(&mut parts) {
            return problem.into_response();
        }
        parts.extensions.insert(ConnectInfo(peer));
        if let Some(plain) = with_plain_letters(&parts.uri) {
            parts.uri = plain;
        }
        let mut router = self.router;
        let Ok(response) = router.call(Request::from_parts(parts, Body::new(body))).await;
        end_stream_at(response, self.shutdown)
    }
}

fn too_busy() -> Problem {
    Problem::unavailable("Too many requests are being answered at the moment. Nothing was done.")
        .caused_by("as many requests are being answered as there may be connections")
}

fn protocol(limits: &ConnectionLimits, answers_half_closed: bool) -> Builder<Streams> {
    let mut builder = Builder::new(Streams { stalled: limits.stalled });
    builder
        .http1()
        // That is for the watch, which tells a connection between two requests from a head that does not come to its end.
        .header_read_timeout(None)
        .half_close(answers_half_closed)
        .max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .keep_alive_interval(HTTP2_PING_INTERVAL);
    builder
}

/// Ends a stream of server-sent events at the shutdown: by itself it would go on for ever.
fn end_stream_at(response: Response, shutdown: CancellationToken) -> Response {
    const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
    let content_type = response.headers().get(header::CONTENT_TYPE);
    if !content_type.is_some_and(|found| found.as_bytes().starts_with(EVENT_STREAM.as_bytes())) {
        return response;
    }
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(shutdown.cancelled_owned())))
}

fn log<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(error) = result {
        tracing::debug!("a connection broke: {error}");
    }
}
