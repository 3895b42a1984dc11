//! Starting, running and stopping the server.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::connection;
use crate::http;
use crate::log::{EventLog, LogError, OpenError, WriterThread};

/// Connections at once; beyond it, clients wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// How long to wait after a connection could not be accepted, for instance for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where a server listens and keeps its events.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The folder of the event log, created if it is missing. One server at a time uses it.
    pub data_dir: PathBuf,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StartError(#[from] StartErrorKind);

#[derive(Debug, thiserror::Error)]
enum StartErrorKind {
    #[error("the data folder {} cannot be used", .path.display())]
    DataDir { path: PathBuf, source: std::io::Error },
    #[error("the data folder {} is in use by another event store", .path.display())]
    InUse { path: PathBuf },
    #[error("the event log in {} cannot be opened", .path.display())]
    Log { path: PathBuf, source: OpenError },
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("the event log was not opened, because the program is stopping")]
    Stopped,
}

/// Why a server stopped other than by being told to.
#[derive(Debug, thiserror::Error)]
#[error("the event store stopped")]
pub struct ServeError(#[source] LogError);

/// A server that is listening.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    task: JoinHandle<Result<(), LogError>>,
}

impl RunningServer {
    /// The address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An address for EventStoreDB clients, such as `esdb://127.0.0.1:2113?tls=false`.
    #[must_use]
    pub fn connection_string(&self) -> String {
        format!("esdb://{}?tls=false", self.address)
    }

    /// Waits until the server has been shut down and everything acknowledged is on disk, about 2 s at most after the
    /// token was cancelled.
    ///
    /// # Errors
    ///
    /// [`ServeError`] if the event log failed so that it is not known what is on disk. What was acknowledged is safe.
    pub async fn wait(self) -> Result<(), ServeError> {
        let ended = self.task.await.unwrap_or(Err(LogError::Closed));
        ended.map_err(ServeError)
    }
}

/// Starts a server. It is listening when this returns, and stops when `shutdown` is cancelled.
///
/// # Errors
///
/// [`StartError`] if the folder cannot be used or is in use, its log is damaged or from a newer version, or the address
/// is taken.
pub async fn start(config: Config, shutdown: CancellationToken) -> Result<RunningServer, StartError> {
    let Config { listen, data_dir } = config;
    let opened = tokio::task::spawn_blocking(move || open(&data_dir)).await;
    let (lock, log, writer) = opened.map_err(|_| StartErrorKind::Stopped)??;
    let listening = bind(listen).await;
    let (listener, address) = listening.map_err(|source| StartErrorKind::Listen { address: listen, source })?;
    let server = Server { _lock: lock, log, writer, listener, address, shutdown: shutdown.child_token() };
    let task = tokio::spawn(server.run());
    Ok(RunningServer { address, task })
}

fn open(directory: &Path) -> Result<(File, EventLog, WriterThread), StartErrorKind> {
    let path = || directory.to_owned();
    let lock = lock(directory)?;
    let (log, writer) = EventLog::open(directory).map_err(|source| StartErrorKind::Log { path: path(), source })?;
    Ok((lock, log, writer))
}

/// Takes the folder for this process; the operating system gives it back when the process ends, however it ends.
fn lock(directory: &Path) -> Result<File, StartErrorKind> {
    let unusable = |source| StartErrorKind::DataDir { path: directory.to_owned(), source };
    create_durably(directory).map_err(unusable)?;
    let file = File::create(directory.join("lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartErrorKind::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// Creates the folder so that a power cut does not take it away again with all that was acknowledged in it.
fn create_durably(directory: &Path) -> std::io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(directory)?;
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

async fn bind(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

struct Server {
    /// Held as long as the log is open.
    _lock: File,
    log: EventLog,
    writer: WriterThread,
    listener: TcpListener,
    address: SocketAddr,
    shutdown: CancellationToken,
}

impl Server {
    async fn run(self) -> Result<(), LogError> {
        let router = http::router(self.log.clone(), self.address, self.shutdown.clone());
        let mut connections = JoinSet::new();
        let log_ended = self.writer.ended();
        tokio::select! {
            () = accept(&self.listener, &router, &mut connections, &self.shutdown) => {}
            () = self.shutdown.cancelled() => {}
            () = log_ended.cancelled() => self.shutdown.cancel(),
        }
        drop(self.listener);
        // Each connection limits how long it takes to end.
        while connections.join_next().await.is_some() {}
        self.log.stop().await;
        let writer = self.writer;
        tokio::task::spawn_blocking(move || writer.join()).await.unwrap_or(Err(LogError::Closed))
    }
}

/// Accepts connections for ever.
async fn accept(listener: &TcpListener, router: &Router, connections: &mut JoinSet<()>, shutdown: &CancellationToken) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        // Frees what finished connections left behind.
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (router, shutdown) = (router.clone(), shutdown.clone());
        connections.spawn(async move {
            connection::serve(stream, router, shutdown).await;
            drop(permit);
        });
    }
}
