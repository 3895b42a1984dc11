//! A service in the process of a test.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::api::Api;

/// By what the services of all tests know each other.
pub const SERVICE_TOKEN: &str = include_str!("../service-token").trim_ascii_end();
/// The file that it is in.
pub const SERVICE_TOKEN_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/service-token");

const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A service that runs on the runtime of the test that started it, on a port of its own. It is told to stop when this
/// is dropped.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use jetbridge_testing::TestService;
///
/// let service = TestService::start(|listener, shutdown| async move {
///     // axum::serve(listener, router).with_graceful_shutdown(…)
///     shutdown.cancelled().await;
///     drop(listener);
/// })
/// .await;
/// service.stop().await;
/// # });
/// ```
#[derive(Debug)]
pub struct TestService {
    address: SocketAddr,
    running: JoinHandle<()>,
    shutdown: DropGuard,
}

impl TestService {
    /// Runs a service that gets what it listens with, and what tells it to stop.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start<F>(run: impl FnOnce(TcpListener, CancellationToken) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), run).await
    }

    /// The same at this address.
    ///
    /// # Panics
    ///
    /// When it is not free.
    pub async fn start_at<F>(address: SocketAddr, run: impl FnOnce(TcpListener, CancellationToken) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(run(listener, shutdown.clone()));
        Self { address, running, shutdown: shutdown.drop_guard() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A client of it.
    pub fn api(&self) -> Api {
        Api::new(self.url(""))
    }

    /// A client of it, as the gateway is for somebody who may do everything.
    pub fn inner_api(&self) -> Api {
        self.api().with_roles("admin")
    }

    /// Tells it to stop, and waits until it has.
    ///
    /// # Panics
    ///
    /// When it does not in time, or has panicked.
    pub async fn stop(self) {
        drop(self.shutdown);
        timeout(STOP_LIMIT, self.running)
            .await
            .expect("the service stops in time")
            .expect("the service has not panicked");
    }
}
