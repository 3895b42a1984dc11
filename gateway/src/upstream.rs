use std::time::Duration;

use axum::body::Body;
use http::uri::Authority;
use http::{Request, Response, header};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use shared_kernel::Domain;
use shared_service::ServiceTokens;

use crate::config::{Config, DomainServices, Services};
use crate::limits::Limits;
use crate::traced;

/// How long an unused connection is kept: shorter than the services keep it, so that a request hardly ever meets a
/// connection that is just being closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
const MAX_IDLE_CONNECTIONS: usize = 512;
/// What the audit log API answers for.
const OF_AUDIT_LOG: [&str; 2] = ["auditlog", "changes"];
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// A service behind the gateway.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Its name, for people.
    pub(crate) name: String,
    /// Its host and port.
    pub(crate) authority: Authority,
}

/// The processor of a domain.
#[derive(Debug)]
pub(crate) struct Processor {
    pub(crate) domain: &'static Domain,
    /// `None` if the gateway was not told where it is.
    pub(crate) upstream: Option<Upstream>,
}

/// The services behind the gateway, and the connections to them.
#[derive(Debug)]
pub(crate) struct Upstreams {
    client: Client<HttpConnector, Body>,
    /// By what they know the gateway.
    tokens: ServiceTokens,
    /// The APIs of the domains, each with its domain.
    apis: Vec<(&'static Domain, Upstream)>,
    auditlog_api: Upstream,
    processors: Vec<Processor>,
}

impl Upstreams {
    pub(crate) fn new(config: Config) -> Self {
        let Services { domains, auditlog_api } = config.services;
        let mut upstreams = Self {
            client: client(&config.limits),
            tokens: config.tokens,
            apis: Vec::new(),
            auditlog_api: Upstream { name: "auditlog-api".to_owned(), authority: auditlog_api.into_authority() },
            processors: Vec::new(),
        };
        for DomainServices { domain, api, processor } in domains {
            upstreams.apis.push((domain, Upstream { name: domain.api(), authority: api.into_authority() }));
            let upstream = processor.map(|url| Upstream { name: domain.processor(), authority: url.into_authority() });
            upstreams.processors.push(Processor { domain, upstream });
        }
        upstreams
    }

    /// Sends a request to a service. All that the gateway sends to any of them goes through here,
    /// with what they know it by.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Result<Response<Incoming>, legacy::Error> {
        request.headers_mut().insert(header::AUTHORIZATION, self.tokens.authorization());
        let service = request.uri().host().unwrap_or_default().to_owned();
        traced::ask(&service, request, |request| self.client.request(request)).await
    }

    /// The collection that this path is of, if there is one of that name.
    pub(crate) fn collection(&self, path: &str) -> Option<&'static str> {
        let resource = path.strip_prefix("/api/")?;
        let name = resource.split_once('/').map_or(resource, |(collection, _)| collection);
        let of_domains = self.apis.iter().flat_map(|(domain, _)| domain.collections.iter().copied());
        OF_AUDIT_LOG.into_iter().chain(of_domains).find(|collection| *collection == name)
    }

    /// The service that answers for this path.
    pub(crate) fn for_path(&self, path: &str) -> Option<&Upstream> {
        let collection = self.collection(path)?;
        if OF_AUDIT_LOG.contains(&collection) {
            return Some(&self.auditlog_api);
        }
        self.apis.iter().find(|(domain, _)| domain.collections.contains(&collection)).map(|(_, api)| api)
    }

    /// The processor of each domain.
    pub(crate) fn processors(&self) -> &[Processor] {
        &self.processors
    }

    /// Those that answer clients.
    pub(crate) fn apis(&self) -> impl Iterator<Item = &Upstream> {
        self.apis.iter().map(|(_, api)| api).chain([&self.auditlog_api])
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Upstream> {
        let processors = self.processors.iter().filter_map(|processor| processor.upstream.as_ref());
        self.apis().chain(processors)
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
