//! An event store for one test.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use jetbridge_eventstore::{Access, Config, Password, Right, RunningServer};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::eventually::eventually;
use crate::scratch::temporary_folder;

const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The embedded event store, with a temporary folder and a port of its own. It runs on the runtime of the test that
/// started it, and ends with it.
///
/// It behaves like EventStoreDB 24.6.0 where that hurts, so that what passes here passes there: a connection has 100
/// calls at once, acknowledgements are delayed, and a batch session that was closed too early stays open.
#[derive(Debug)]
pub struct TestEventStore {
    settings: Settings,
    address: SocketAddr,
    connection_string: String,
    running: Option<Running>,
    folder: TempDir,
}

#[derive(Debug, Clone)]
struct Settings {
    strict: bool,
    access: Access,
    password: Option<Password>,
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
        Self::start_with(Settings { strict: true, access: Access::Everything, password: None }).await
    }

    /// An empty event store as `cargo run` starts it, which is kinder than EventStoreDB.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_ordinary() -> Self {
        Self::start_with(Settings { strict: false, access: Access::Everything, password: None }).await
    }

    /// An empty event store that denies its clients something.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_denying(rights: Vec<Right>) -> Self {
        Self::start_with(Settings { strict: true, access: Access::Deny(rights), password: None }).await
    }

    /// An empty event store that wants a password, which is in its [`connection_string`](Self::connection_string).
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_protected() -> Self {
        let password = Some(Password::random());
        Self::start_with(Settings { strict: true, access: Access::Everything, password }).await
    }

    async fn start_with(settings: Settings) -> Self {
        let folder = temporary_folder();
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let running = Running::start(any_port, &folder, &settings)
            .await
            .unwrap_or_else(|error| panic!("an event store for a test: {error} ({error:?})"));
        Self {
            settings,
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

    /// What answers calls in this process, while it runs.
    ///
    /// # Panics
    ///
    /// When it is stopped.
    pub fn routes(&self) -> Router {
        self.running.as_ref().expect("the event store runs").server.routes()
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

    /// Takes away what it holds. It has to be stopped.
    ///
    /// # Panics
    ///
    /// When it runs.
    pub fn empty(&mut self) {
        assert!(self.running.is_none(), "an event store that runs cannot be emptied");
        self.folder = temporary_folder();
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
                Running::start(self.address, &self.folder, &self.settings).await
            })
            .await;
            self.running = Some(running);
        }
    }
}

impl Running {
    async fn start(
        listen: SocketAddr,
        folder: &TempDir,
        settings: &Settings,
    ) -> Result<Self, jetbridge_eventstore::StartError> {
        let shutdown = CancellationToken::new();
        let Settings { strict, access, password } = settings.clone();
        let config = Config { strict, access, password, ..Config::new(listen, folder.path().to_path_buf()) };
        let server = jetbridge_eventstore::start(config, shutdown.clone()).await?;
        Ok(Self { server, shutdown: shutdown.drop_guard() })
    }
}
