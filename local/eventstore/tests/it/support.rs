//! Servers to test against.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use jetbridge_eventstore::{Access, Config, Right, RunningServer, start};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// How long anything in a test may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Any free port.
pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A server on a free port with a folder of its own, both gone with it.
pub(crate) struct TestServer {
    server: Option<RunningServer>,
    shutdown: CancellationToken,
    address: SocketAddr,
    connection_string: String,
    directory: TempDir,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_on(tempfile::tempdir().expect("a temporary folder"), Access::Everything).await
    }

    /// A server at which something is denied.
    pub(crate) async fn start_denying(rights: Vec<Right>) -> Self {
        Self::start_on(tempfile::tempdir().expect("a temporary folder"), Access::Deny(rights)).await
    }

    /// A server on a folder that may hold events.
    pub(crate) async fn start_on(directory: TempDir, access: Access) -> Self {
        Self::start_configured(directory, |config| config.access = access).await
    }

    /// A server with settings of its own.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_configured(tempfile::tempdir().expect("a temporary folder"), change).await
    }

    async fn start_configured(directory: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let shutdown = CancellationToken::new();
        let mut config = config(directory.path(), ANY_PORT);
        change(&mut config);
        let server = start(config, shutdown.clone()).await.expect("the server starts");
        let (address, connection_string) = (server.address(), server.connection_string());
        Self { address, connection_string, server: Some(server), shutdown, directory }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its events are, unless it was told otherwise.
    pub(crate) fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// What clients connect with; the interval only makes their first call faster.
    pub(crate) fn uri(&self) -> String {
        format!("{}&discoveryInterval=10", self.connection_string)
    }

    /// Stops the server, and fails if that is slow.
    pub(crate) async fn stop(&mut self) {
        self.shutdown.cancel();
        let server = self.server.take().expect("the server runs");
        let stopped = tokio::time::timeout(Duration::from_secs(5), server.wait()).await;
        stopped.expect("the server stops in time").expect("nothing is lost");
    }

    /// Starts a stopped server again on the same folder and port.
    pub(crate) async fn start_again(&mut self) {
        self.shutdown = CancellationToken::new();
        let directory = self.directory.path();
        let config = config(directory, self.address);
        self.server = Some(start(config, self.shutdown.clone()).await.expect("the server starts"));
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }
}

/// What a server needs, in the mode of these tests.
pub(crate) fn config(directory: &Path, listen: SocketAddr) -> Config {
    Config { strict: crate::STRICT, ..Config::new(listen, directory.to_owned()) }
}

/// Waits for `future`, and fails if it takes too long.
pub(crate) async fn within_limit<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future).await.expect("in time")
}

/// `eventstore` 4.0 panics if another library was the first to set up TLS in the process, so it goes first, once.
pub(crate) async fn let_eventstore_go_first(uri: &str) {
    static FIRST: OnceCell<()> = OnceCell::const_new();
    let first = || async {
        let settings = uri.parse().expect("a valid address");
        let client = eventstore::Client::new(settings).expect("a client");
        client.server_info().await.expect("a server that answers");
    };
    FIRST.get_or_init(first).await;
}
