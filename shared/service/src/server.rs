//! Serving HTTP/1.1 and HTTP/2 (with prior knowledge) until a shutdown, with a limit on everything.

mod access;
mod completion;
mod connection;
mod in_process;
mod limits;
mod slots;
mod streams;
mod tls;
mod watch;
mod watched;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::drain::Drain;
use crate::host::HostName;
use crate::origin::Origin;
use connection::Serving;
pub use in_process::{Asking, InProcess};
pub use limits::ConnectionLimits;
pub(crate) use limits::raise_open_files;
use slots::Slots;
pub(crate) use tls::to_anybody;
pub use tls::{OverTls, Tls, TlsArgs, TlsError};

/// How long requests that are being answered at a shutdown may still take.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// How long to wait when no connection can be taken, for instance because no file handle is free.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// For whom a listener answers, and how long it waits for them.
///
/// Whatever is set, it answers for `localhost`, the machine's own name and every IP address, and for pages that it has
/// answered with itself.
#[derive(Debug, Clone, Default)]
pub struct ServerSettings {
    /// Further names for which it answers.
    pub public_hosts: Vec<HostName>,
    /// Whose pages may send requests that change something, beside its own.
    pub allowed_origins: Vec<Origin>,
    /// Whether a client that has closed its side of a connection gets its answer. If not, it counts as gone, and what
    /// it has asked for is given up.
    pub answers_half_closed: bool,
    /// How many connections there may be, and for how long.
    pub limits: ConnectionLimits,
    /// By what the service says that it is going away. Connections are not kept from then on.
    pub drain: Drain,
    /// With what clients are answered over TLS; without, as it comes.
    pub tls: Option<Tls>,
    /// Who else of this process can ask without a connection.
    pub in_process: InProcess,
}

/// Serves as [`serve_with`] does, with the default settings.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    serve_with(ServerSettings::default(), listener, router, shutdown).await;
}

/// Serves a router until `shutdown` is cancelled, then finishes what is being answered, for at most five seconds.
///
/// Every answer gets the headers that all of them have. Handlers find the client's address in `ConnectInfo<SocketAddr>`, and, in HTTP/1.1, in the header `Host` whom the
/// request is for. Streams of server-sent events end at the shutdown.
pub async fn serve_with(settings: ServerSettings, listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let connections = TaskTracker::new();
    let abort = CancellationToken::new();
    let _abort_when_dropped = abort.clone().drop_guard();
    let slots = Arc::new(Slots::new(settings.limits));
    let tls = settings.tls.clone();
    let _following = tls.map(|tls| AbortOnDropHandle::new(tokio::spawn(async move { tls.follow().await })));
    let in_process = settings.in_process.clone();
    let serving = Serving::new(settings, router, shutdown.clone());
    let registered =
        listener.local_addr().ok().map(|address| in_process.serve(address, serving.clone(), connections.clone()));
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if !concerns_one_connection(&error) {
                    tracing::warn!("cannot take a connection: {error}");
                    slots.give_up_some();
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
                continue;
            }
        };
        let Some(slot) = slots.take(peer.ip()) else { continue };
        let connection = serving.clone().serve(stream, peer, slot);
        let abort = abort.clone();
        connections.spawn(async move {
            let _ended_or_aborted = abort.run_until_cancelled(connection).await;
        });
    }
    drop((listener, registered));
    connections.close();
    if tokio::time::timeout(SHUTDOWN_GRACE, connections.wait()).await.is_err() {
        tracing::info!(connections.count = connections.len(), "closing connections that are still busy");
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
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

/// Serves as [`serve_with`] does, as long as every one of `tasks` runs: a service that is only half alive would be worse
/// than one that is seen to be gone.
///
/// Tasks that end because of the shutdown do not cut short what is being answered.
///
/// # Errors
/// [`TaskEnded`] at once if a task ends before the shutdown.
pub async fn serve_beside(
    settings: ServerSettings,
    listener: TcpListener,
    router: Router,
    tasks: &mut JoinSet<()>,
    shutdown: CancellationToken,
) -> Result<(), TaskEnded> {
    let mut serving = std::pin::pin!(serve_with(settings, listener, router, shutdown.clone()));
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
