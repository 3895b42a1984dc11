//! The listener for Prometheus.

use std::net::SocketAddr;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use shared_access::Access;
use shared_telemetry::table::BUILD_INFO;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::routes::Routes;
use crate::server::{BindError, ConnectionLimits, ServerSettings, bind, serve_with};

/// How long an answer may take. What is asked for at a scrape has a limit of its own.
const LIMIT: Duration = Duration::from_secs(8);
/// Connections at a time: some instances of Prometheus, and somebody who looks.
const CONNECTIONS: usize = 32;
/// Prometheus's text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Where the metrics of this process are answered, and for whom.
#[derive(Debug, Clone)]
pub struct MetricsSettings {
    /// The address.
    pub listen: SocketAddr,
    /// For which names.
    pub server: ServerSettings,
}

/// Listens for Prometheus.
///
/// # Errors
/// [`BindError`], for instance if another process listens there.
pub(crate) async fn listen(settings: MetricsSettings) -> Result<(TcpListener, ServerSettings), BindError> {
    let listener = bind(settings.listen).await?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!("metrics are at http://{address}/metrics");
    }
    let limits = ConnectionLimits { connections: CONNECTIONS, per_client: None, ..settings.server.limits };
    Ok((listener, ServerSettings { limits, ..settings.server }))
}

/// Answers Prometheus until `shutdown`.
pub(crate) async fn serve((listener, server): (TcpListener, ServerSettings), shutdown: CancellationToken) {
    BUILD_INFO.of([env!("CARGO_PKG_VERSION")]).set(1.0);
    let answer = async || ([(CONTENT_TYPE, TEXT)], shared_telemetry::text().await);
    let routes: Routes = Routes::new().get("/metrics", Access::Public, answer).finish(LIMIT);
    serve_with(server, listener, routes.into_router(), shutdown).await;
}
