use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::Value;
use shared_kernel::Domain;
use shared_service::settings::{List, ServiceTrust, ServiceUrls};
use shared_service::{ConnectionLimits, Origin, ServerSettings, ServiceTokens};

use crate::authentication::Authentication;
use crate::limits::Limits;
use crate::sender::{Network, TrustedProxies};
use crate::upstream::Resolver;

/// What the gateway has to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where requests are passed on to.
    pub services: Services,
    /// By what their names are looked up.
    pub resolver: Resolver,
    /// Whom to believe that they are the services, over TLS.
    pub trust: ServiceTrust,
    /// By what the services know the gateway.
    pub tokens: ServiceTokens,
    /// What the services say about their APIs: documents of OpenAPI.
    pub documents: Vec<Value>,
    /// What is too much, and too long.
    pub limits: Limits,
    /// Where the web client is read from; it is the one in this program if `None`.
    pub web_dir: Option<WebDir>,
    /// For whom it listens.
    pub server: ServerSettings,
    /// How those who ask identify themselves.
    pub authentication: Authentication,
    /// Whose word on where a request comes from counts.
    pub trusted_proxies: TrustedProxies,
}

impl Config {
    /// A gateway to these services, for everybody on this machine, with nothing else set.
    #[must_use]
    pub fn new(services: Services, tokens: ServiceTokens) -> Self {
        Self {
            services,
            resolver: Resolver::default(),
            trust: ServiceTrust::default(),
            tokens,
            documents: crate::documents(),
            limits: Limits::default(),
            web_dir: None,
            server: ServerSettings::default(),
            authentication: Authentication::none(),
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// Where the services are.
#[derive(Debug, Clone)]
pub struct Services {
    /// Those of each domain.
    pub domains: Vec<DomainServices>,
    /// Answers `/api/auditlog`.
    pub auditlog_api: ServiceUrls,
}

/// Where the services of a domain are.
#[derive(Debug, Clone)]
pub struct DomainServices {
    /// The domain.
    pub domain: &'static Domain,
    /// Answers for the domain's collections.
    pub api: ServiceUrls,
    /// Looked at for `/api/health`, if given.
    pub processor: Option<ServiceUrls>,
}

/// What clients are allowed.
#[derive(Debug, Clone, Args)]
pub struct ClientArgs {
    /// Origin, such as https://example.com, whose pages may use the API. More than one: again, or separated by commas
    #[arg(long, value_name = "ORIGIN", env = "JETBRIDGE_ALLOWED_ORIGINS")]
    #[allow(rustdoc::bare_urls, reason = "the help of the command line has no links")]
    allowed_origins: Vec<List<Origin>>,
    /// Connections that one client address may have; behind a proxy as many as there may be [default: half of them]
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_CONNECTIONS_PER_CLIENT")]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    connections_per_client: Option<usize>,
    /// Network, such as 10.0.0.0/8, or address of a proxy whose headers Forwarded or X-Forwarded-For say where requests
    /// come from. More than one: again, or separated by commas. Those of others are not believed
    #[arg(long, value_name = "NETWORK", env = "JETBRIDGE_TRUSTED_PROXIES")]
    trusted_proxies: Vec<List<Network>>,
}

impl ClientArgs {
    /// The proxies whose word counts.
    #[must_use]
    pub fn trusted_proxies(&self) -> TrustedProxies {
        TrustedProxies(self.trusted_proxies.iter().flat_map(|networks| networks.0.iter().copied()).collect())
    }

    /// The settings of a listener for clients.
    #[must_use]
    pub fn applied_to(&self, server: ServerSettings) -> ServerSettings {
        let per_client = self.connections_per_client.unwrap_or(server.limits.connections.div_ceil(2));
        ServerSettings {
            allowed_origins: self.allowed_origins.iter().flat_map(|origins| origins.0.iter().cloned()).collect(),
            answers_half_closed: true,
            limits: ConnectionLimits { per_client: Some(per_client), ..server.limits },
            ..server
        }
    }
}

/// Where the web client comes from.
#[derive(Debug, Clone, Args)]
pub struct WebArgs {
    /// Serve the web client from this folder, read anew for each request, instead of the one in this program: for work
    /// on the client
    #[arg(long, value_name = "FOLDER", env = "JETBRIDGE_WEB_DIR")]
    pub web_dir: Option<WebDir>,
}

/// A folder with a web client in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebDir(PathBuf);

impl WebDir {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// A folder holds no web client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no index.html in this folder")]
pub struct NoWebClient;

impl FromStr for WebDir {
    type Err = NoWebClient;

    fn from_str(text: &str) -> Result<Self, NoWebClient> {
        let folder = PathBuf::from(text);
        if folder.join("index.html").is_file() { Ok(Self(folder)) } else { Err(NoWebClient) }
    }
}
