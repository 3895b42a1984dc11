//! An event store for one test.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jetbridge_eventstore::{Config, RunningServer};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::eventually::eventually;
use crate::scratch::temporary_folder;

const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The embedded event store, with a temporary folder and a port of its own. It runs on the runtime of the test that started
/// it, and ends with it.
#[derive(Debug)]
pub struct TestEventStore {
    address: SocketAddr,
    connection_string: String,
    running: Option<Running>,
    folder: TempDir,
}

#[derive(Debug)]
struct Running {
    server: RunningServer,
    shutdown: DropGuard,
}

impl TestEventStore {
    /// An empty event store.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start() -> Self {
        let folder = temporary_folder();
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let running = Running::start(any_port, &folder)
            .await
            .unwrap_or_else(|error| panic!("an event store for a test: {error} ({error:?})"));
        Self {
            address: running.server.address(),
            connection_string: running.server.connection_string(),
            running: Some(running),
            folder,
        }
    }

    /// Where it listens, also while it is stopped.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `esdb://` address for clients, also while it is stopped.
    pub fn connection_string(&self) -> &str {
        &self.connection_string
    }

    /// Stops it, as an outage does: connections break, and new ones are refused. Nothing to do if it is stopped.
    ///
    /// # Panics
    ///
    /// When it does not stop in time.
    pub async fn stop(&mut self) {
        if let Some(Running { server, shutdown }) = self.running.take() {
            drop(shutdown);
            // How it ended does not matter to a test that wanted it gone.
            let _ = timeout(STOP_LIMIT, server.wait()).await.expect("the event store stops in time");
        }
    }

    /// Starts it again, with what it held and at the same address. Nothing to do if it runs.
    ///
    /// # Panics
    ///
    /// When it does not start in time.
    pub async fn start_again(&mut self) {
        if self.running.is_none() {
            // The port may still be busy for a moment.
            let running = eventually("the event store starts again", START_LIMIT, async || {
                Running::start(self.address, &self.folder).await
            })
            .await;
            self.running = Some(running);
        }
    }
}

impl Running {
    async fn start(listen: SocketAddr, folder: &TempDir) -> Result<Self, jetbridge_eventstore::StartError> {
        let shutdown = CancellationToken::new();
        let config = Config { listen, data_dir: folder.path().to_path_buf() };
        let server = jetbridge_eventstore::start(config, shutdown.clone()).await?;
        Ok(Self { server, shutdown: shutdown.drop_guard() })
    }
}
