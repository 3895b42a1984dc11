//! The one address that clients of Jetbridge talk to: it passes requests on to the APIs, within limits, and explains
//! what they answer.

mod config;
mod forward;
mod health;
mod hop;
mod paced;
mod pages;
mod rate;
mod upstream;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use shared_service::health::Checks;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::{Config, Limits, Services};

use forward::Forwarder;
use upstream::Upstreams;

/// Serves until `shutdown` is cancelled and what was being answered is finished, within limits.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) {
    if let Ok(address) = listener.local_addr() {
        tracing::info!("the gateway listens on http://{address}");
    }
    shared_service::serve(listener, router(config), shutdown).await;
}

/// Everything that the gateway answers.
pub fn router(config: Config) -> Router {
    let limits = config.limits;
    let forwarder = Arc::new(Forwarder::new(Upstreams::new(config), limits));
    let own = Router::new()
        .route("/api/health", get(health::overview))
        .merge(pages::routes())
        .merge(shared_service::health::routes(Checks::new()));
    // Everything below /api is forwarded by the fallback: the busiest path goes through the fewest layers.
    shared_service::finish(own, limits.request).fallback(forward::forward).with_state(forwarder)
}
