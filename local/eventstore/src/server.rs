//! Starting, running and stopping the server.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::admission::ConnectionLimits;
use crate::folder::{Folder, FolderError};
use crate::guard::Guard;
use crate::hosts::HostName;
use crate::http;
use crate::listener::{self, Serving};
use crate::log::LogError;
use crate::membership::Node;
use crate::meters;
use crate::password::Password;
use crate::streams::StreamsService;

/// Where a server listens and keeps its events, and how it behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The folder of the event log, created if it is missing. One server at a time uses it.
    pub data_dir: PathBuf,
    /// The names, beside `localhost` and the address that a client has reached, by which clients may call this server.
    /// Requests with any other name are refused.
    pub public_hosts: Vec<HostName>,
    /// What clients have to know; `None` if everybody who reaches the server may do everything.
    pub password: Option<Password>,
    /// How many connections there may be, and how long they may be silent.
    pub limits: ConnectionLimits,
    /// For tests: behave like EventStoreDB 24.6.0 where that hurts, instead of better. The README says where.
    pub strict: bool,
    /// For tests: what clients may not do.
    pub access: Access,
}

impl Config {
    /// An ordinary server, at which clients may do everything.
    #[must_use]
    pub fn new(listen: SocketAddr, data_dir: PathBuf) -> Self {
        Self {
            listen,
            data_dir,
            public_hosts: Vec::new(),
            password: None,
            limits: ConnectionLimits::default(),
            strict: false,
            access: Access::Everything,
        }
    }

    pub(crate) fn guard(&self) -> Guard {
        Guard::new(self.public_hosts.clone(), self.password.clone())
    }
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StartError(#[from] pub(crate) StartErrorKind);

#[derive(Debug, thiserror::Error)]
pub(crate) enum StartErrorKind {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: std::io::Error },
}

/// Why a server stopped other than by being told to.
#[derive(Debug, thiserror::Error)]
#[error("the event store stopped")]
pub struct ServeError(#[source] pub(crate) LogError);

/// A server that is listening.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    password: Option<Password>,
    router: Router,
    task: JoinHandle<Result<(), LogError>>,
}

impl RunningServer {
    /// The address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An address for EventStoreDB clients, such as `esdb://127.0.0.1:2113?tls=false`: for connecting, never for
    /// showing. It has the password in it, if there is one.
    #[must_use]
    pub fn connection_string(&self) -> String {
        let credentials = self.password.as_ref().map(Password::in_address).unwrap_or_default();
        format!("esdb://{credentials}{}?tls=false", self.address)
    }

    /// What answers calls, for whoever is in the same process and needs no connection. A call has to know the password, as
    /// from a connection, and is ended with the server; limits of connections and of their calls do not count.
    pub fn routes(&self) -> Router {
        self.router.clone()
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
    let guard = config.guard();
    let Config { listen, data_dir, password, limits, strict, access, .. } = config;
    let measured = meters::of_folder(data_dir.clone());
    let folder = Folder::open(data_dir, strict).await.map_err(StartErrorKind::from)?;
    let listening = listener::bind(listen).await;
    let (listener, address) = listening.map_err(|source| StartErrorKind::Listen { address: listen, source })?;
    let shutdown = shutdown.child_token();
    let log = folder.log.clone();
    let streams = StreamsService::new(log, Node::single(), access, strict, shutdown.clone());
    let router = http::router(streams, address, guard);
    let serving = Serving::start(listener, router.clone(), strict, limits, shutdown.clone());
    let task = tokio::spawn(async move {
        let _measured = measured;
        run(folder, serving, shutdown).await
    });
    Ok(RunningServer { address, password, router, task })
}

async fn run(folder: Folder, serving: Serving, shutdown: CancellationToken) -> Result<(), LogError> {
    let log_ended = folder.writer.ended();
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = log_ended.cancelled() => shutdown.cancel(),
    }
    serving.ended().await;
    folder.close().await
}
