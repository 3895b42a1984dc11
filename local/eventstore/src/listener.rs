//! A listening socket and the connections that come from it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::connection::{self, Flow};

/// Connections at once; beyond it, clients wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// How long to wait after a connection could not be accepted, for instance for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Listens, and says where: that is only known now if any free port was asked for.
pub(crate) async fn bind(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Connections that are being served, in a task of their own.
#[derive(Debug)]
pub(crate) struct Serving {
    flow: watch::Sender<Flow>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Serves until `shutdown`, and then for as long as connections take to end.
    pub(crate) fn start(listener: TcpListener, router: Router, strict: bool, shutdown: CancellationToken) -> Self {
        let (flow, flows) = watch::channel(Flow::Running);
        let acceptor = Acceptor { router, strict, flows, shutdown };
        Self { flow, task: tokio::spawn(acceptor.run(listener)) }
    }

    /// Lets all connections hang, or go on.
    pub(crate) fn set_flow(&self, flow: Flow) {
        self.flow.send_replace(flow);
    }

    /// Breaks all connections off, as when the process is killed.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    pub(crate) async fn ended(self) {
        let _ = self.task.await;
    }
}

struct Acceptor {
    router: Router,
    strict: bool,
    flows: watch::Receiver<Flow>,
    shutdown: CancellationToken,
}

impl Acceptor {
    async fn run(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        tokio::select! {
            () = self.accept(&listener, &mut connections) => {}
            () = self.shutdown.cancelled() => {}
        }
        drop(listener);
        // Each connection limits how long it takes to end.
        while connections.join_next().await.is_some() {}
    }

    /// Accepts connections for ever.
    async fn accept(&self, listener: &TcpListener, connections: &mut JoinSet<()>) {
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
            let connection =
                connection::serve(stream, self.router.clone(), self.strict, self.flows.clone(), self.shutdown.clone());
            connections.spawn(async move {
                connection.await;
                drop(permit);
            });
        }
    }
}
