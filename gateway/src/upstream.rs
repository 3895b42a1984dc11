use std::time::Duration;

use axum::body::Body;
use http::uri::Authority;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::config::{Config, Limits};

/// How long an unused connection is kept: shorter than the services keep it, so that a request hardly ever meets a
/// connection that is just being closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
const MAX_IDLE_CONNECTIONS: usize = 512;
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// A service behind the gateway.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// Its host and port.
    pub(crate) authority: Authority,
}

/// The services behind the gateway, and the connections to them.
#[derive(Debug)]
pub(crate) struct Upstreams {
    pub(crate) client: Client<HttpConnector, Body>,
    flight_api: Upstream,
    passenger_api: Upstream,
    auditlog_api: Upstream,
    processors: Vec<Upstream>,
}

impl Upstreams {
    pub(crate) fn new(config: Config) -> Self {
        let services = config.services;
        let upstream =
            |name, url: shared_service::settings::ServiceUrl| Upstream { name, authority: url.into_authority() };
        let processors = [
            services.flight_processor.map(|url| upstream("flight-processor", url)),
            services.passenger_processor.map(|url| upstream("passenger-processor", url)),
        ];
        Self {
            client: client(&config.limits),
            flight_api: upstream("flight-api", services.flight_api),
            passenger_api: upstream("passenger-api", services.passenger_api),
            auditlog_api: upstream("auditlog-api", services.auditlog_api),
            processors: processors.into_iter().flatten().collect(),
        }
    }

    /// The service that answers for this path.
    pub(crate) fn for_path(&self, path: &str) -> Option<&Upstream> {
        let resource = path.strip_prefix("/api/")?;
        let collection = resource.split_once('/').map_or(resource, |(collection, _)| collection);
        match collection {
            "flights" => Some(&self.flight_api),
            "passengers" | "manifests" => Some(&self.passenger_api),
            "auditlog" => Some(&self.auditlog_api),
            _ => None,
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Upstream> {
        [&self.flight_api, &self.passenger_api, &self.auditlog_api].into_iter().chain(&self.processors)
    }
}

fn client(limits: &Limits) -> Client<HttpConnector, Body> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(limits.connect));
    connector.set_keepalive(Some(TCP_KEEPALIVE));
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
        .build(connector)
}
