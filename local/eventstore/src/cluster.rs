//! Several nodes over one event log, for tests of clients that look for the leader.
//!
//! Every node has all events at once: it is replication without its delays. Who leads is said, not voted on.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::connection::Flow;
use crate::folder::Folder;
use crate::http;
use crate::listener::{self, Serving};
use crate::log::{EventLog, LogError};
use crate::membership::{Members, Node};
use crate::server::{Config, ServeError, StartError, StartErrorKind};
use crate::streams::StreamsService;

/// Several nodes that listen, one of which leads. Nodes have numbers, from 0 on.
#[derive(Debug)]
pub struct RunningCluster {
    config: Config,
    log: EventLog,
    addresses: Vec<SocketAddr>,
    members: watch::Sender<Members>,
    /// The nodes that run.
    nodes: Vec<Option<RunningNode>>,
    shutdown: CancellationToken,
    closing: JoinHandle<Result<(), LogError>>,
}

#[derive(Debug)]
struct RunningNode {
    serving: Serving,
    /// Ends the calls of a node that is killed.
    _stop: DropGuard,
}

/// Starts a cluster: a node at `config.listen`, which leads, and one at each of `others`. All are listening when this
/// returns, and stop when `shutdown` is cancelled.
///
/// # Errors
///
/// [`StartError`] as for a single server.
pub async fn start_cluster(
    config: Config,
    others: &[SocketAddr],
    shutdown: CancellationToken,
) -> Result<RunningCluster, StartError> {
    let folder = Folder::open(config.data_dir.clone(), config.strict).await.map_err(StartErrorKind::from)?;
    let mut listeners = Vec::new();
    for address in std::iter::once(&config.listen).chain(others) {
        listeners.push(listen(*address).await?);
    }
    let addresses: Vec<_> = listeners.iter().map(|(_, address)| *address).collect();
    let shutdown = shutdown.child_token();
    let mut cluster = RunningCluster {
        config,
        log: folder.log.clone(),
        members: watch::Sender::new(Members::at(&addresses)),
        nodes: Vec::new(),
        addresses,
        closing: tokio::spawn(close(folder, shutdown.clone())),
        shutdown,
    };
    for (node, (listener, address)) in listeners.into_iter().enumerate() {
        let running = cluster.serve(node, listener, address);
        cluster.nodes.push(Some(running));
    }
    Ok(cluster)
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartErrorKind> {
    listener::bind(address).await.map_err(|source| StartErrorKind::Listen { address, source })
}

async fn close(folder: Folder, shutdown: CancellationToken) -> Result<(), LogError> {
    let log_ended = folder.writer.ended();
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = log_ended.cancelled() => shutdown.cancel(),
    }
    folder.close().await
}

impl RunningCluster {
    /// Where the nodes listen, also those that are stopped.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// An address for clients that names all nodes, such as `esdb://127.0.0.1:2113,127.0.0.1:2114?tls=false`.
    #[must_use]
    pub fn connection_string(&self) -> String {
        let hosts: Vec<_> = self.addresses.iter().map(SocketAddr::to_string).collect();
        format!("esdb://{}?tls=false", hosts.join(","))
    }

    /// The node that leads, if one does.
    #[must_use]
    pub fn leader(&self) -> Option<usize> {
        self.members.borrow().leader()
    }

    /// Makes a node the leader. One that does not run cannot lead: then there is none.
    pub fn elect(&self, node: usize) {
        self.members.send_modify(|members| *members = members.with_leader(Some(node)));
    }

    /// Leaves the cluster without a leader, as it is between elections.
    pub fn depose(&self) {
        self.members.send_modify(|members| *members = members.with_leader(None));
    }

    /// Kills a node: its connections break off, and new ones are refused. If it led, there is no leader until another
    /// is elected. Nothing to do if it does not run.
    pub async fn kill(&mut self, node: usize) {
        let Some(running) = self.nodes.get_mut(node).and_then(Option::take) else {
            return;
        };
        self.set_alive(node, false);
        let RunningNode { serving, _stop: stop } = running;
        // The connections first, so that clients do not hear of it over them.
        serving.kill().await;
        drop(stop);
    }

    /// Lets a node hang: its connections stay open and silent, and so do new ones. For the others it is dead.
    pub fn freeze(&self, node: usize) {
        if let Some(Some(running)) = self.nodes.get(node) {
            running.serving.set_flow(Flow::Frozen);
            self.set_alive(node, false);
        }
    }

    /// Lets a frozen node go on. It does not lead any more.
    pub fn thaw(&self, node: usize) {
        if let Some(Some(running)) = self.nodes.get(node) {
            self.set_alive(node, true);
            running.serving.set_flow(Flow::Running);
        }
    }

    /// Starts a killed node again at its address, as a follower. Nothing to do if it runs.
    ///
    /// # Errors
    ///
    /// [`StartError`] if its address is taken.
    pub async fn start_again(&mut self, node: usize) -> Result<(), StartError> {
        let Some(address) = self.addresses.get(node).copied() else {
            return Ok(());
        };
        if let Some(None) = self.nodes.get(node) {
            let (listener, address) = listen(address).await?;
            self.set_alive(node, true);
            let running = self.serve(node, listener, address);
            if let Some(slot) = self.nodes.get_mut(node) {
                *slot = Some(running);
            }
        }
        Ok(())
    }

    /// Waits until the cluster has been shut down and everything acknowledged is on disk.
    ///
    /// # Errors
    ///
    /// [`ServeError`] as for a single server.
    pub async fn wait(self) -> Result<(), ServeError> {
        let ended = self.closing.await.unwrap_or(Err(LogError::Closed));
        for running in self.nodes.into_iter().flatten() {
            running.serving.ended().await;
        }
        ended.map_err(ServeError)
    }

    fn set_alive(&self, node: usize, is_alive: bool) {
        self.members.send_modify(|members| *members = members.with_alive(node, is_alive));
    }

    fn serve(&self, node: usize, listener: TcpListener, address: SocketAddr) -> RunningNode {
        let shutdown = self.shutdown.child_token();
        let node = Node::new(node, self.members.subscribe());
        let (access, strict) = (self.config.access.clone(), self.config.strict);
        let streams = StreamsService::new(self.log.clone(), node, access, strict, shutdown.clone());
        let router = http::router(streams, address, self.config.guard());
        let serving = Serving::start(listener, router, strict, self.config.limits, shutdown.clone());
        RunningNode { serving, _stop: shutdown.drop_guard() }
    }
}
