use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::Value;
use shared_kernel::Domain;
use shared_service::body::BODY_LIMIT;
use shared_service::settings::{List, ServiceUrl};
use shared_service::{ConnectionLimits, Origin, ServerSettings, ServiceTokens};

use crate::authentication::Authentication;
use crate::rate::Rates;
use crate::sender::{Network, TrustedProxies};

/// What the gateway has to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where requests are passed on to.
    pub services: Services,
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

/// Where the services are.
#[derive(Debug, Clone)]
pub struct Services {
    /// Those of each domain.
    pub domains: Vec<DomainServices>,
    /// Answers `/api/auditlog`.
    pub auditlog_api: ServiceUrl,
}

/// Where the services of a domain are.
#[derive(Debug, Clone)]
pub struct DomainServices {
    /// The domain.
    pub domain: &'static Domain,
    /// Answers for the domain's collections.
    pub api: ServiceUrl,
    /// Looked at for `/api/health`, if given.
    pub processor: Option<ServiceUrl>,
}

/// What is too much, and too long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long it may take to connect to a service.
    pub connect: Duration,
    /// How long an answer may take to begin.
    pub request: Duration,
    /// How long an answer that has begun may pause. Server-sent events may pause for ever.
    pub pause: Duration,
    /// How many requests wait for an answer at a time.
    pub in_flight: usize,
    /// How many of them may be of one client: somebody who is known, or else an address. If `None`,
    /// [`Self::IN_FLIGHT_PER_CLIENT`], and any number from this machine.
    pub in_flight_per_client: Option<usize>,
    /// How many streams of server-sent events one client may have open. If `None`, [`Self::FEEDS_PER_PRINCIPAL`] or
    /// [`Self::FEEDS_PER_ADDRESS`], and any number from this machine.
    pub feeds_per_client: Option<usize>,
    /// How long the body of a request may take to arrive.
    pub body: Duration,
    /// How many requests a second one client may send; 0 for no limit. If `None`, [`Self::RATE_PER_PRINCIPAL`] or
    /// [`Self::RATE_PER_ADDRESS`], and any number from this machine.
    pub requests_per_second: Option<u32>,
    /// How many requests a second may come in all; no limit if `None`.
    pub requests_per_second_in_all: Option<NonZeroU32>,
}

impl Limits {
    /// Requests of one client that wait for an answer at a time, unless set.
    pub const IN_FLIGHT_PER_CLIENT: usize = 512;
    /// Streams of server-sent events of somebody who is known, unless set.
    pub const FEEDS_PER_PRINCIPAL: usize = 20;
    /// Streams of server-sent events of one address, unless set.
    pub const FEEDS_PER_ADDRESS: usize = 100;
    // Constants: a zero would not compile.
    /// Requests a second of somebody who is known, unless set.
    pub const RATE_PER_PRINCIPAL: NonZeroU32 = NonZeroU32::new(100).unwrap();
    /// Requests a second of one address, which may be that of a whole office, unless set.
    pub const RATE_PER_ADDRESS: NonZeroU32 = NonZeroU32::new(300).unwrap();

    /// How many requests a second there may be of one client. With `for_all`, where nobody has to say who they are, every
    /// client is on this machine.
    pub(crate) fn rates(&self, for_all: bool) -> Rates {
        match self.requests_per_second.map(NonZeroU32::new) {
            Some(set) => Rates { principal: set, address: set, limits_loopback: true },
            None if for_all => Rates::default(),
            None => Rates {
                principal: Some(Self::RATE_PER_PRINCIPAL),
                address: Some(Self::RATE_PER_ADDRESS),
                limits_loopback: false,
            },
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            request: Duration::from_secs(35),
            pause: Duration::from_secs(30),
            in_flight: 4096,
            in_flight_per_client: None,
            feeds_per_client: None,
            body: BODY_LIMIT,
            requests_per_second: None,
            requests_per_second_in_all: None,
        }
    }
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
