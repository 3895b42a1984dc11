//! The one address that clients of Jetbridge talk to: it passes requests on to the APIs, within limits, explains what
//! they answer, and serves the web client.

mod accept;
mod admin;
mod admission;
mod authentication;
mod client;
mod compress;
mod config;
mod cross_origin;
mod documentation;
mod door;
mod forward;
mod health;
mod hop;
mod identity;
mod limits;
mod me;
mod operations;
mod paced;
mod pages;
mod places;
mod rate;
mod sender;
mod traced;
mod traffic;
mod upstream;
mod visitor;
mod web;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router, middleware};
use http::Extensions;
use shared_access::{Access, Role};
use shared_service::health::{Checks, Health, Status};
use shared_service::{Drain, Problem, Route, Routes, ServerSettings, ServiceTokens, admit, openapi};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use authentication::{
    Authentication, AuthenticationArgs, AuthenticationError, AuthenticationFiles, InvalidIssuer, InvalidPublicUrl,
    InvalidRoleMapping, InvalidWays, IssuerUrl, OidcArgs, OidcSettingsError, PublicUrl, PublishedAddress, RoleMapping,
    SessionArgs, SessionKeysError, Way, Ways,
};
pub use config::{ClientArgs, Config, DomainServices, NoWebClient, Services, WebArgs, WebDir};
pub use documentation::documents;
pub use health::Probe;
pub use limits::{LimitArgs, Limits};
pub use sender::{InvalidNetwork, Network, TrustedProxies};
pub use upstream::Resolver;

use accept::Preferred;
use door::Door;
use forward::Forwarder;
use health::{Overviews, Readiness};
use traffic::GatewayTraffic;
use upstream::Upstreams;
use visitor::Visitor;
use web::WebClient;

/// A gateway, put together.
pub struct Gateway {
    server: ServerSettings,
    routes: Vec<Route>,
    router: Router,
    authentication: Authentication,
    tokens: ServiceTokens,
    resolver: Resolver,
    probe: Probe,
}

impl Gateway {
    /// One that knows this.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let (limits, authentication, tokens) = (config.limits, config.authentication.clone(), config.tokens.clone());
        let (server, proxies) = (config.server.clone(), config.trusted_proxies.clone());
        let client = Arc::new(WebClient::new(config.web_dir.clone()));
        let (documents, resolver) = (config.documents.clone(), config.resolver.clone());
        let domains: Vec<_> = config.services.domains.iter().map(|services| services.domain).collect();
        let traffic = GatewayTraffic::of(domains.iter().copied());
        let forwarder = Arc::new(Forwarder::new(Upstreams::new(config), limits, authentication.clone()));
        let pages = pages::routes(Arc::clone(&client), domains).merge(web::routes(Arc::clone(&client)));
        let own = own_routes(&forwarder, &server.drain).merge(admin::routes());
        let document = openapi::document(own.list().iter().chain(&documentation::listed()));
        let document = openapi::merged(documents.into_iter().chain([document]));
        let pages = pages.merge(documentation::routes(Arc::clone(&client), &document));
        let own = own.merge(authentication.routes()).merge(pages);
        let routes = own.list().to_vec();
        let own = own.layer(middleware::from_fn(compress::routes)).finish(limits.request).into_router();
        let door = Arc::new(Door::new(authentication.clone(), proxies, &limits, traffic));
        // Everything below /api is forwarded by the fallback: the busiest path goes through the fewest layers.
        let others = async move |State(forwarder): State<Arc<Forwarder>>, request: Request| {
            answer_others(&forwarder, &client, request).await
        };
        let all = own.fallback(others).with_state(Arc::clone(&forwarder));
        let all = all.layer(middleware::from_fn_with_state(door, door::enter));
        let all = if shared_trace::is_on() { all.layer(middleware::from_fn(traced::enter)) } else { all };
        let router = cross_origin::share_with(&server.allowed_origins, all);
        Self { server, routes, router, authentication, tokens, resolver, probe: Probe(forwarder) }
    }

    /// What it answers by itself, without what it passes on.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Asks the services how they are.
    #[must_use]
    pub fn probe(&self) -> Probe {
        self.probe.clone()
    }

    /// Serves until `shutdown` is cancelled and what was being answered is finished, within limits.
    pub async fn run(self, listener: TcpListener, shutdown: CancellationToken) {
        if let Ok(address) = listener.local_addr() {
            let scheme = if self.server.tls.is_some() { "https" } else { "http" };
            tracing::info!("the gateway listens on {scheme}://{address}");
        }
        let shutdown = self.server.drain.before_end(shutdown);
        let forwarder = &self.probe.0;
        let _measured =
            (self.authentication.measured(), forwarder.admission().measured(), upstream::measured(forwarder));
        // What others change is noticed for as long as anybody is served.
        let upstreams = self.probe.0.upstreams();
        let noticing = async {
            tokio::join!(
                self.authentication.look_after(),
                self.tokens.follow(shutdown.clone()),
                upstreams.look_after(&self.resolver)
            )
        };
        tokio::select! {
            () = shared_service::serve_with(self.server, listener, self.router, shutdown.clone()) => {}
            _ = noticing => {}
        }
    }
}

/// Serves until `shutdown` is cancelled and what was being answered is finished, within limits.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) {
    Gateway::new(config).run(listener, shutdown).await;
}

/// What the gateway answers by itself, beside what operators and people ask for.
fn own_routes(forwarder: &Arc<Forwarder>, drain: &Drain) -> Routes<Arc<Forwarder>> {
    let readiness = Arc::new(Readiness::new(Arc::clone(forwarder)));
    let overviews = Arc::new(Overviews::new(Arc::clone(forwarder)));
    let checks = Checks::new().with("services", move || {
        let readiness = Arc::clone(&readiness);
        async move { readiness.find().await }
    });
    let checks = drain.noted_in(checks);
    let overview = async move |extensions: Extensions| {
        let is_admin = admit(Access::Role(Role::Admin), &extensions).is_ok();
        overviews.answer(is_admin).await
    };
    let ready = async move |Extension(visitor): Extension<Visitor>, extensions: Extensions| {
        // Whatever watches over this process is on the same machine.
        if !visitor.sender.is_here() {
            admit(Access::Role(Role::Admin), &extensions)?;
        }
        Ok::<_, Problem>(checks.run().await)
    };
    Routes::new()
        .get("/api/health", Access::Public, overview)
        .about(operations::health())
        .get("/api/me", Access::Public, me::me)
        .about(operations::me())
        .get("/health/live", Access::Public, async || Health { status: Status::Up, checks: Vec::new() })
        .get("/health/ready", Access::Public, ready)
}

/// Answers what is for the services, or for nobody.
async fn answer_others(forwarder: &Forwarder, client: &WebClient, mut request: Request) -> Response {
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
}
