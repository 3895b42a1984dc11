//! One client connection: HTTP/2 for gRPC, HTTP/1.1 for health checks, told apart by the first bytes.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::admission::Admitted;

/// Calls that a client may give up before they were looked at.
const MAX_PENDING_RESETS: usize = 1_000;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of headers in one request.
const MAX_HEADERS: u32 = 32 * 1024;
/// How long an HTTP/1 client may take to send its request headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long calls may take to end at shutdown before the connection is closed.
const GRACE: Duration = Duration::from_secs(1);

/// What a connection allows its client.
struct Limits {
    /// Calls at once. What is over it waits unseen.
    calls: u32,
    /// Bytes of a request, and of all requests together, that may be on their way.
    stream_window: u32,
    connection_window: u32,
}

impl Limits {
    /// Clients put everything on one connection, so far more than one can need.
    const ORDINARY: Self = Self { calls: 1_000, stream_window: 1024 * 1024, connection_window: 8 * 1024 * 1024 };
    /// EventStoreDB's own.
    const STRICT: Self = Self { calls: 100, stream_window: 786_432, connection_window: 1024 * 1024 };
}

/// Whether connections move. Only tests let them hang.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Running,
    Frozen,
}

/// What holds for all connections of a server.
#[derive(Debug, Clone)]
pub(crate) struct Serving {
    pub(crate) router: Router,
    pub(crate) strict: bool,
    /// How long a connection may take until its first request is there and let in.
    pub(crate) first_request: Duration,
    pub(crate) flow: watch::Receiver<Flow>,
    pub(crate) shutdown: CancellationToken,
}

/// A connection, as its requests know it.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    local: SocketAddr,
    admitted: Arc<Admitted>,
}

impl Conversation {
    /// The address at which the client has reached this server.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Notes that a request was let in, so that the connection may stay.
    pub(crate) fn has_begun(&self) {
        self.admitted.has_spoken();
    }
}

/// Serves one connection until it closes, or for a moment after `shutdown`. One that has nothing let in within the
/// limit is closed, and at once if another one needs its place.
pub(crate) async fn serve(stream: TcpStream, admitted: Admitted, serving: Serving) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "TCP_NODELAY could not be set");
    }
    let local = match stream.local_addr() {
        Ok(local) => local,
        Err(error) => {
            tracing::debug!(error = %error, "a client's connection ended");
            return;
        }
    };
    let conversation = Conversation { local, admitted: Arc::new(admitted) };
    match serving.strict {
        true => serve_on(TokioIo::new(stream), conversation, &Limits::STRICT, serving).await,
        false => serve_on(TokioIo::new(QuickAckStream(stream)), conversation, &Limits::ORDINARY, serving).await,
    }
}

async fn serve_on<I>(io: TokioIo<I>, conversation: Conversation, limits: &Limits, serving: Serving)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Serving { router, first_request, mut flow, shutdown, .. } = serving;
    let admitted = Arc::clone(&conversation.admitted);
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(conversation.clone());
        request
    });
    let builder = builder(limits);
    let connection = builder.serve_connection(io, TowerToHyperService::new(service));
    tokio::pin!(connection);
    let (first_request, mut is_new) = (Instant::now() + first_request, true);
    let served = loop {
        let is_running = *flow.borrow_and_update() == Flow::Running;
        tokio::select! {
            served = &mut connection, if is_running => break served,
            Ok(()) = flow.changed() => continue,
            () = admitted.evicted() => return,
            () = sleep_until(first_request), if is_running && is_new => {
                is_new = false;
                if !admitted.is_silent() {
                    continue;
                }
            }
            () = shutdown.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        match timeout(GRACE, connection).await {
            Ok(served) => break served,
            Err(_) => return,
        }
    };
    if let Err(error) = served {
        tracing::debug!(error, "a client's connection ended");
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .max_concurrent_streams(limits.calls)
        .max_header_list_size(MAX_HEADERS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window);
    builder
}

/// A TCP stream that acknowledges at once what it has read.
///
/// EventStoreDB's clients leave Nagle's algorithm on, so the second small segment of a request waits until the first is
/// acknowledged; with delayed acknowledgements that costs some 40 ms a request. Linux drops the option now and then,
/// so it is set again after each read. Elsewhere this is a plain stream.
struct QuickAckStream(TcpStream);

impl QuickAckStream {
    #[cfg(target_os = "linux")]
    fn acknowledge_at_once(&self) {
        // Only speed depends on it.
        let _ = self.0.set_quickack(true);
    }

    #[cfg(not(target_os = "linux"))]
    fn acknowledge_at_once(&self) {}
}

impl AsyncRead for QuickAckStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.0).poll_read(context, buffer))?;
        self.acknowledge_at_once();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for QuickAckStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
