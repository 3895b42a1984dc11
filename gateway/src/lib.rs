//! The one address that clients of Jetbridge talk to: it passes requests on to the APIs, within limits, explains what
//! they answer, and serves the web client.

mod accept;
mod admin;
mod admission;
mod client;
mod compress;
mod config;
mod cross_origin;
mod forward;
mod health;
mod hop;
mod identity;
mod paced;
mod pages;
mod places;
mod rate;
mod upstream;
mod web;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Router};
use shared_access::{Role, Roles};
use shared_service::Caller;
use shared_service::health::Checks;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::{ClientArgs, Config, DomainServices, Limits, NoWebClient, Services, WebArgs, WebDir};

use accept::Preferred;
use forward::Forwarder;
use health::Readiness;
use upstream::Upstreams;
use web::WebClient;

/// Serves until `shutdown` is cancelled and what was being answered is finished, within limits.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) {
    if let Ok(address) = listener.local_addr() {
        tracing::info!("the gateway listens on http://{address}");
    }
    let server = config.server.clone();
    tokio::spawn(config.tokens.clone().follow(shutdown.clone()));
    shared_service::serve_with(server, listener, router(config), shutdown).await;
}

/// Everything that the gateway answers.
pub fn router(config: Config) -> Router {
    let limits = config.limits;
    let allowed_origins = config.server.allowed_origins.clone();
    let client = Arc::new(WebClient::new(config.web_dir.clone()));
    let domains = config.services.domains.iter().map(|services| services.domain).collect();
    let forwarder = Arc::new(Forwarder::new(Upstreams::new(config), limits));
    let readiness = Arc::new(Readiness::new(Arc::clone(&forwarder)));
    let checks = Checks::new().with("services", move || {
        let readiness = Arc::clone(&readiness);
        async move { readiness.find().await }
    });
    let own = Router::new()
        .route("/api/health", get(health::overview))
        .merge(admin::routes())
        .merge(pages::routes(Arc::clone(&client), domains))
        .merge(web::routes(Arc::clone(&client)))
        .merge(shared_service::health::routes(checks).into_router())
        .layer(middleware::from_fn(compress::routes))
        // Whoever gets to the gateway may do everything.
        .layer(Extension(Caller::Somebody { subject: None, roles: Roles::from_iter([Role::Admin]) }));
    let others = async move |State(forwarder): State<Arc<Forwarder>>, mut request: Request| {
        cross_origin::forget_origin(request.headers_mut());
        compress::compressed(request, async |request| {
            if !web::is_for_people(&request) {
                forwarder.forward(request).await
            } else if Preferred::of(request.headers(), Preferred::Json) == Preferred::Html {
                pages::varying(client.page_of_nothing().await.into_response())
            } else {
                pages::varying(forwarder.forward(request).await)
            }
        })
        .await
    };
    // Everything below /api is forwarded by the fallback: the busiest path goes through the fewest layers.
    let all = shared_service::finish(own, limits.request).fallback(others).with_state(forwarder);
    cross_origin::share_with(&allowed_origins, all)
}
