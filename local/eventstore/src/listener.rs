//! A listening socket and the connections that come from it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::admission::{Admission, ConnectionLimits};
use crate::connection::{self, Flow};

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
    pub(crate) fn start(
        listener: TcpListener,
        router: Router,
        strict: bool,
        limits: ConnectionLimits,
        shutdown: CancellationToken,
    ) -> Self {
        let (flow, flows) = watch::channel(Flow::Running);
        let first_request = limits.first_request;
        let serving = connection::Serving { router, strict, first_request, flow: flows, shutdown };
        let acceptor = Acceptor { serving, admission: Admission::new(limits) };
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
    serving: connection::Serving,
    admission: Admission,
}

impl Acceptor {
    async fn run(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        tokio::select! {
            () = self.accept(&listener, &mut connections) => {}
            () = self.serving.shutdown.cancelled() => {}
        }
        drop(listener);
        // Each connection limits how long it takes to end.
        while connections.join_next().await.is_some() {}
    }

    /// Accepts connections for ever. One for which there is no room is closed at once.
    async fn accept(&self, listener: &TcpListener, connections: &mut JoinSet<()>) {
        loop {
            // Frees what finished connections left behind.
            while connections.try_join_next().is_some() {}
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            match self.admission.admit(peer.ip()) {
                Some(admitted) => drop(connections.spawn(connection::serve(stream, admitted, self.serving.clone()))),
                None => tracing::debug!(%peer, "there is no room for another connection"),
            }
        }
    }
}
