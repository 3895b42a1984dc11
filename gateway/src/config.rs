use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use shared_kernel::Domain;
use shared_service::body::BODY_LIMIT;
use shared_service::settings::{List, ServiceUrl};
use shared_service::{ConnectionLimits, Origin, ServerSettings, ServiceTokens};

/// What the gateway has to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where requests are passed on to.
    pub services: Services,
    /// By what the services know the gateway.
    pub tokens: ServiceTokens,
    /// What is too much, and too long.
    pub limits: Limits,
    /// Where the web client is read from; it is the one in this program if `None`.
    pub web_dir: Option<WebDir>,
    /// For whom it listens.
    pub server: ServerSettings,
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
    /// How many of them may be of one client address. If `None`, [`Self::IN_FLIGHT_PER_CLIENT`], and any number from this
    /// machine.
    pub in_flight_per_client: Option<usize>,
    /// How many streams of server-sent events one client address may have open. If `None`, [`Self::FEEDS_PER_CLIENT`],
    /// and any number from this machine.
    pub feeds_per_client: Option<usize>,
    /// How long the body of a request may take to arrive.
    pub body: Duration,
    /// How many requests a second one client address may send; no limit if `None`.
    pub requests_per_second: Option<NonZeroU32>,
    /// How many requests a second may come in all; no limit if `None`.
    pub requests_per_second_in_all: Option<NonZeroU32>,
}

impl Limits {
    /// Requests of one client address that wait for an answer at a time, unless set.
    pub const IN_FLIGHT_PER_CLIENT: usize = 512;
    /// Streams of server-sent events of one client address, unless set.
    pub const FEEDS_PER_CLIENT: usize = 100;
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
}

impl ClientArgs {
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
