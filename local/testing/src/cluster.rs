//! Several event store nodes for one test.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jetbridge_eventstore::{Config, RunningCluster, start_cluster};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::eventually::eventually;
use crate::scratch::temporary_folder;

const START_LIMIT: Duration = Duration::from_secs(20);

/// Event store nodes over one event log, of which one leads. Each has all events at once, and the test says who leads.
///
/// Nodes have numbers, from 0 on; at first node 0 leads. They run on the runtime of the test that started them, behave
/// like EventStoreDB 24.6.0 where that hurts, and end with the test.
#[derive(Debug)]
pub struct TestCluster {
    nodes: RunningCluster,
    _shutdown: DropGuard,
    _folder: TempDir,
}

impl TestCluster {
    /// An empty cluster of this many nodes, at least one.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start(nodes: usize) -> Self {
        let folder = temporary_folder();
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let shutdown = CancellationToken::new();
        let config = Config { strict: true, ..Config::new(any_port, folder.path().to_path_buf()) };
        let others = vec![any_port; nodes.saturating_sub(1)];
        let nodes = start_cluster(config, &others, shutdown.clone())
            .await
            .unwrap_or_else(|error| panic!("a cluster for a test: {error} ({error:?})"));
        Self { nodes, _shutdown: shutdown.drop_guard(), _folder: folder }
    }

    /// Where the nodes listen, also those that are killed.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.nodes.addresses()
    }

    /// The `esdb://` address that names all nodes.
    pub fn connection_string(&self) -> String {
        self.nodes.connection_string()
    }

    /// The node that leads, if one does.
    pub fn leader(&self) -> Option<usize> {
        self.nodes.leader()
    }

    /// Makes a node the leader.
    pub fn elect(&self, node: usize) {
        self.nodes.elect(node);
    }

    /// Leaves the cluster without a leader, as it is between elections.
    pub fn depose(&self) {
        self.nodes.depose();
    }

    /// Kills a node: its connections break off, and new ones are refused. If it led, nobody does until another is
    /// elected.
    pub async fn kill(&mut self, node: usize) {
        self.nodes.kill(node).await;
    }

    /// Lets a node hang: its connections stay open and silent.
    pub fn freeze(&self, node: usize) {
        self.nodes.freeze(node);
    }

    /// Lets a frozen node go on, as a follower.
    pub fn thaw(&self, node: usize) {
        self.nodes.thaw(node);
    }

    /// Starts a killed node again at its address, as a follower.
    ///
    /// # Panics
    ///
    /// When it does not start in time.
    pub async fn start_again(&mut self, node: usize) {
        // The port may still be busy for a moment.
        eventually("the node starts again", START_LIMIT, async || self.nodes.start_again(node).await).await;
    }
}
