//! Where a service is, as somebody has set it, and how it is connected to.

use std::time::Duration;

use axum::body::Body;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use shared_service::settings::{ServiceTrust, ServiceUrl};
use tokio::net::TcpStream;
use tower::BoxError;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

use crate::limits::Limits;

/// How long an unused connection is kept: shorter than the services keep it, so that a request hardly ever meets a
/// connection that is just being closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
const MAX_IDLE_CONNECTIONS: usize = 512;
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// What connects over TLS.
type Secured = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

/// An address or a name of a service.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    connections: Connections,
}

/// The connections to what is at a site.
#[derive(Debug, Clone)]
enum Connections {
    /// Of all sites that are spoken to without TLS. They go to no https address.
    Plain(Client<HttpConnector, Body>),
    /// Of this site alone: whatever address its name stands for, it is the name that is proved there.
    Secure(Client<Secured, Body>),
}

impl Site {
    /// Sends a request to an instance of it.
    pub(super) async fn request(&self, request: Request<Body>) -> Result<Response<Incoming>, legacy::Error> {
        match &self.connections {
            Connections::Plain(client) => client.request(request).await,
            Connections::Secure(client) => client.request(request).await,
        }
    }
}

/// Makes sites, which share what they can.
pub(super) struct Sites {
    plain: Client<HttpConnector, Body>,
    trust: ServiceTrust,
    connect: Duration,
}

impl Sites {
    pub(super) fn new(limits: &Limits, trust: ServiceTrust) -> Self {
        Self { plain: builder().build(connector(limits.connect)), trust, connect: limits.connect }
    }

    pub(super) fn at(&self, url: &ServiceUrl) -> Site {
        let authority = url.authority().clone();
        let name = ServerName::try_from(authority.host().trim_matches(['[', ']']).to_owned());
        let connections = match (url.is_secure(), self.trust.config(), name) {
            (true, Some(trust), Ok(name)) => Connections::Secure(self.secure(trust.clone(), name)),
            _ => Connections::Plain(self.plain.clone()),
        };
        Site { scheme: url.scheme().clone(), authority, connections }
    }

    fn secure(&self, trust: ClientConfig, name: ServerName<'static>) -> Client<Secured, Body> {
        let mut http = connector(self.connect);
        http.enforce_http(false);
        let https = HttpsConnectorBuilder::new().with_tls_config(trust).https_only();
        let https = https.with_server_name_resolver(FixedServerNameResolver::new(name)).enable_http1();
        // The limit of what is below ends before the handshake begins.
        let limited = Timeout::new(https.wrap_connector(http), self.connect);
        builder().build(BoxCloneSyncService::new(limited))
    }
}

fn connector(limit: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(limit));
    connector.set_keepalive(Some(TCP_KEEPALIVE));
    connector
}

fn builder() -> legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS);
    builder
}
