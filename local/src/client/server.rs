//! Where the server is, and who asks.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use http::{HeaderMap, HeaderValue, header};
use shared_service::headers::JETBRIDGE_ACTOR;
use shared_service::secret::Secret;
use url::{Host, Url};

use super::connection::Connection;
use super::failure::Failure;

/// Holds the access key. There is no flag for it: any user of the machine can read command lines.
const ACCESS_KEY: &str = "JETBRIDGE_ACCESS_KEY";

/// The server, and who asks it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ConnectionArgs {
    /// Where Jetbridge is
    #[arg(long, value_name = "URL", env = "JETBRIDGE_SERVER", default_value = "http://127.0.0.1:8080", global = true)]
    server: Server,
    /// File with the access key [default: the variable JETBRIDGE_ACCESS_KEY holds the key]
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_ACCESS_KEY_FILE", global = true)]
    access_key_file: Option<PathBuf>,
    /// Send the access key unencrypted to another machine, where anybody on the way can read it
    #[arg(long, global = true)]
    unencrypted: bool,
    /// Who asks, for the audit log; a server that knows its users knows that itself
    #[arg(long, value_name = "NAME", env = "JETBRIDGE_ACTOR", global = true)]
    actor: Option<String>,
    /// Seconds for which something that is not answered is asked again
    #[arg(long, value_name = "SECONDS", env = "JETBRIDGE_RETRY_FOR", default_value_t = 10, global = true)]
    #[arg(value_parser = RangedU64ValueParser::<u64>::new().range(0..=3_600))]
    retry_for: u64,
}

impl ConnectionArgs {
    /// A connection to the server.
    ///
    /// # Errors
    /// [`Failure::Usage`] if the access key cannot be used, or would be readable on the way.
    pub(crate) fn connect(&self) -> Result<Connection, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(key) = self.access_key()? {
            if !self.server.keeps_secrets() && !self.unencrypted {
                return Err(Failure::Usage(format!(
                    "the access key would be readable on the way to {}; use https, or say --unencrypted",
                    self.server
                )));
            }
            headers.insert(header::AUTHORIZATION, credentials(&key)?);
        }
        if let Some(actor) = &self.actor {
            let value = HeaderValue::from_bytes(actor.as_bytes());
            headers.insert(JETBRIDGE_ACTOR, value.map_err(|_| usage("--actor must not contain control characters"))?);
        }
        Connection::new(self.server.clone(), headers, Duration::from_secs(self.retry_for))
    }

    fn access_key(&self) -> Result<Option<Secret>, Failure> {
        match &self.access_key_file {
            Some(file) => read(file).map(Some),
            None => match std::env::var(ACCESS_KEY) {
                Ok(key) => Secret::new(&key).map(Some).map_err(|refusal| usage(&format!("{ACCESS_KEY} {refusal}"))),
                Err(std::env::VarError::NotPresent) => Ok(None),
                Err(std::env::VarError::NotUnicode(_)) => Err(usage("JETBRIDGE_ACCESS_KEY is not text")),
            },
        }
    }
}

fn read(file: &Path) -> Result<Secret, Failure> {
    Secret::read(file).map_err(|error| usage(&shared_service::ErrorChain(&error).to_string()))
}

fn credentials(key: &Secret) -> Result<HeaderValue, Failure> {
    let value = HeaderValue::from_str(&format!("Bearer {}", key.expose()));
    let mut value = value.map_err(|_| usage("the access key must be visible ASCII characters"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn usage(message: &str) -> Failure {
    Failure::Usage(message.to_owned())
}

/// Where a server is: `http://host:port` or `https://host:port`, without a path.
#[derive(Debug, Clone)]
pub(crate) struct Server(Url);

/// A text is not the address of a server.
#[derive(Debug, thiserror::Error)]
#[error("must be like https://host:port, without a user, a path or a query")]
pub(crate) struct InvalidServer;

impl FromStr for Server {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        let url = Url::parse(text).map_err(|_| InvalidServer)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let has_user = !url.username().is_empty() || url.password().is_some();
        if matches!(url.scheme(), "http" | "https") && is_bare && !has_user {
            Ok(Self(url))
        } else {
            Err(InvalidServer)
        }
    }
}

impl Server {
    /// The one that listens at this address of this machine.
    ///
    /// # Errors
    /// [`Failure::Usage`] if nothing can be reached there.
    pub(crate) fn at_address(address: SocketAddr) -> Result<Self, Failure> {
        format!("http://{address}").parse().map_err(|error: InvalidServer| Failure::Usage(error.to_string()))
    }

    /// The address of a path such as `/api/flights`.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }

    /// Whether it speaks TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether nobody else reads what is sent to it.
    fn keeps_secrets(&self) -> bool {
        let is_here = match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
            Some(Host::Ipv6(ip)) => IpAddr::from(ip).to_canonical().is_loopback(),
            None => false,
        };
        self.is_encrypted() || is_here
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}
