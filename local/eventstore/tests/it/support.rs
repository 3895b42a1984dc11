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
        let shutdown = CancellationToken::new();
        let server = start_in(directory.path(), ANY_PORT, access, &shutdown).await;
        Self { address: server.address(), server: Some(server), shutdown, directory }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients connect with; the interval only makes their first call faster.
    pub(crate) fn uri(&self) -> String {
        format!("esdb://{}?tls=false&discoveryInterval=10", self.address)
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
        self.server = Some(start_in(directory, self.address, Access::Everything, &self.shutdown).await);
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }
}

async fn start_in(directory: &Path, listen: SocketAddr, access: Access, shutdown: &CancellationToken) -> RunningServer {
    let config = Config { access, ..config(directory, listen) };
    start(config, shutdown.clone()).await.expect("the server starts")
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
