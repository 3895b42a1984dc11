//! Serving HTTP/1.1 and HTTP/2 (with prior knowledge) until a shutdown, with a limit on everything.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use futures::StreamExt;
use http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::path::with_plain_letters;

/// Connections at a time; more wait in the listener's queue.
const MAX_CONNECTIONS: usize = 10_000;
/// How long a connection may stay without a complete request head, in use or not.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest request head, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How long requests that are being answered at a shutdown may still take.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// How long to wait when no connection can be taken, for instance because no file handle is free.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
const MAX_HTTP2_STREAMS: u32 = 256;
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);

/// Serves a router until `shutdown` is cancelled, then finishes what is being answered, for at most five seconds.
///
/// Handlers find the client's address in `ConnectInfo<SocketAddr>`. Streams of server-sent events end at the shutdown.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let connections = TaskTracker::new();
    let abort = CancellationToken::new();
    let _abort_when_dropped = abort.clone().drop_guard();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let builder = Arc::new(protocol());
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let (stream, peer, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if !concerns_one_connection(&error) {
                    tracing::warn!("cannot take a connection: {error}");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
                continue;
            }
        };
        let connection = serve_connection(Arc::clone(&builder), stream, peer, router.clone(), shutdown.clone());
        let abort = abort.clone();
        connections.spawn(async move {
            let _slot = slot;
            let _ended_or_aborted = abort.run_until_cancelled(connection).await;
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(SHUTDOWN_GRACE, connections.wait()).await.is_err() {
        tracing::info!(connections.count = connections.len(), "closing connections that are still busy");
    }
}

fn protocol() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT).max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .keep_alive_interval(HTTP2_PING_INTERVAL);
    builder
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve_connection(
    builder: Arc<Builder<TokioExecutor>>,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
) {
    // Answers are written in one piece; waiting for more to send would only delay them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    // Until the first byte nobody counts the time: the protocol is not known yet.
    tokio::select! {
        readable = tokio::time::timeout(HEADER_READ_TIMEOUT, stream.readable()) => {
            if !matches!(readable, Ok(Ok(()))) {
                return;
            }
        }
        () = shutdown.cancelled() => return,
    }
    let ending = shutdown.clone();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut router = router.clone();
        let ending = ending.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(plain) = with_plain_letters(request.uri()) {
            *request.uri_mut() = plain;
        }
        async move { router.call(request).await.map(|response| end_stream_at(response, ending)) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!("a connection broke: {error}");
    }
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

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// Why not.
    pub source: io::Error,
}

/// Listens on an address; port 0 takes a free one.
///
/// # Errors
/// [`BindError`], for instance if another process listens there.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError { address, source })
}

/// One of a service's tasks has ended, or panicked, although the service was not asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a task that this service cannot do without has ended")]
pub struct TaskEnded;

/// Why a service does not run, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum RunError<S> {
    /// A setting is not usable.
    #[error(transparent)]
    Setting(S),
    /// A task has ended.
    #[error(transparent)]
    Task(#[from] TaskEnded),
}

/// Serves as [`serve`] does, as long as every one of `tasks` runs: a service that is only half alive would be worse
/// than one that is seen to be gone.
///
/// Tasks that end because of the shutdown do not cut short what is being answered.
///
/// # Errors
/// [`TaskEnded`] at once if a task ends before the shutdown.
pub async fn serve_beside(
    listener: TcpListener,
    router: Router,
    tasks: &mut JoinSet<()>,
    shutdown: CancellationToken,
) -> Result<(), TaskEnded> {
    let mut serving = std::pin::pin!(serve(listener, router, shutdown.clone()));
    loop {
        tokio::select! {
            () = &mut serving => return Ok(()),
            Some(_ended) = tasks.join_next() => {
                if !shutdown.is_cancelled() {
                    return Err(TaskEnded);
                }
            }
        }
    }
}
