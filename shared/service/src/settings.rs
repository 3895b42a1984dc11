//! Building blocks for the settings of services: each is a flag and a `JETBRIDGE_…` variable.
//!
//! A service flattens those that it needs into its own `clap` arguments.

mod listen;
mod plain_http;
mod service_url;
mod trust;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use shared_postgres_address::{InvalidPostgresAddress, PostgresAddress};

use crate::secret::{Secret, SecretFileError};
pub use listen::{List, ListenArgs};
pub use plain_http::{PlainHttpArgs, PlainHttpRefused};
pub use service_url::{InvalidServiceUrl, InvalidServiceUrls, ServiceUrl, ServiceUrls};
pub use trust::{ServiceCaArgs, ServiceTrust, ServiceTrustError};

/// What has to be encoded in the user and the password of an address. The rest is left as it is, because the client of
/// the event store does not decode them.
const ENCODED_IN_USER: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+');

/// The database of a service.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// PostgreSQL database, such as postgres://user@host/database. With ?sslmode=require the connection is encrypted;
    /// with ?sslmode=verify-full it is also made sure who the server is
    #[arg(long, value_name = "URL", env = "JETBRIDGE_DATABASE_URL")]
    pub database_url: SecretUrl,
    /// File with the password of the database's user
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_DATABASE_PASSWORD_FILE")]
    pub database_password_file: Option<PathBuf>,
    /// File with the certificates of the authorities that vouch for PostgreSQL, for sslmode=verify-full [default: those
    /// of the system]
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_DATABASE_CA_FILE")]
    pub database_ca_file: Option<PathBuf>,
    /// Connections to the database that requests share, at most; up to three more are held for other things. A request
    /// that gets none within a second is refused
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_DATABASE_CONNECTIONS", default_value_t = 16)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000))]
    pub database_connections: usize,
}

impl DatabaseArgs {
    /// The address of the database, with what is in the files.
    ///
    /// # Errors
    /// [`DatabaseAddressError`] if it is none, or there is no usable password in the file.
    pub fn address(&self) -> Result<SecretUrl, DatabaseAddressError> {
        database_address(&self.database_url, self.database_password_file.as_deref(), self.database_ca_file.as_deref())
    }
}

/// The address of a database, with what is in the files.
///
/// # Errors
/// [`DatabaseAddressError`] if it is none, or there is no usable password in the file.
pub fn database_address(
    url: &SecretUrl,
    password_file: Option<&Path>,
    ca_file: Option<&Path>,
) -> Result<SecretUrl, DatabaseAddressError> {
    let mut address: PostgresAddress = url.expose().parse()?;
    if let Some(file) = ca_file {
        address = address.with_parameter("sslrootcert", path_text(file)?);
    }
    if let Some(file) = password_file {
        address = address.with_parameter("password", Secret::read(file)?.expose());
    }
    Ok(SecretUrl::new(address.expose()))
}

/// The settings give no usable address of a database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseAddressError {
    /// What is given is no address.
    #[error("the database address is not usable: {0}")]
    Invalid(#[from] InvalidPostgresAddress),
    /// A file.
    #[error(transparent)]
    File(#[from] SecretFileError),
}

/// The event store.
#[derive(Debug, Clone, Args)]
pub struct EventStoreArgs {
    /// EventStoreDB, such as esdb://host:2113, or esdb://a:2113,b:2113,c:2113 or esdb+discover://name:2113 for a
    /// cluster. Without TLS: esdb://host:2113?tls=false
    #[arg(long, value_name = "URL", env = "JETBRIDGE_EVENT_STORE")]
    pub event_store: SecretUrl,
    /// User of the event store
    #[arg(long, value_name = "NAME", env = "JETBRIDGE_EVENT_STORE_USER", requires = "event_store_password_file")]
    pub event_store_user: Option<String>,
    /// File with the password of the event store's user
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_EVENT_STORE_PASSWORD_FILE", requires = "event_store_user")]
    pub event_store_password_file: Option<PathBuf>,
    /// File with the certificates of the authorities that vouch for the event store [default: those of the system]
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_EVENT_STORE_CA_FILE")]
    pub event_store_ca_file: Option<PathBuf>,
}

impl EventStoreArgs {
    /// The address of the event store, with what is in the files.
    ///
    /// # Errors
    /// [`SecretFileError`] if there is no usable password in the file.
    pub fn address(&self) -> Result<SecretUrl, SecretFileError> {
        let mut address = self.event_store.clone();
        if let Some(file) = &self.event_store_ca_file {
            address = address.with_parameter("tlsCAFile", path_text(file)?);
        }
        if let (Some(user), Some(file)) = (&self.event_store_user, &self.event_store_password_file) {
            address = address.with_user(user, &Secret::read(file)?);
        }
        Ok(address)
    }
}

/// A path as part of an address, which is text.
fn path_text(path: &Path) -> Result<&str, SecretFileError> {
    path.to_str().ok_or_else(|| SecretFileError::Unreadable {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidFilename, "its name is not UTF-8"),
    })
}

/// How commands are taken and appended.
#[derive(Debug, Clone, Copy, Args)]
pub struct AppendArgs {
    /// Bytes of events in one append, at most. Larger appends mean more commands per second under load; the event
    /// store's own limit (MaxAppendSize) has to be larger
    #[arg(long, value_name = "BYTES", env = "JETBRIDGE_APPEND_BYTES", default_value_t = 524_288)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=524_288))]
    pub append_bytes: usize,
    /// Commands that wait to be decided, at most; beyond that they are refused
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_COMMAND_QUEUE", default_value_t = 4_096)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    pub command_queue: usize,
    /// Hours after which what has ended is forgotten by the side that takes commands, by the times of events.
    /// Queries show it all the same
    #[arg(long, value_name = "HOURS", env = "JETBRIDGE_FORGET_ENDED_AFTER", default_value_t = 72)]
    #[arg(value_parser = RangedU64ValueParser::<u32>::new().range(1..=87_600))]
    pub forget_ended_after: u32,
    /// Days for which refused commands are kept in the audit log; 0 records none
    #[arg(long, value_name = "DAYS", env = "JETBRIDGE_KEEP_REFUSALS", default_value_t = 90)]
    #[arg(value_parser = RangedU64ValueParser::<u32>::new().range(0..=36_500))]
    pub keep_refusals: u32,
}

impl AppendArgs {
    /// After how long what has ended is forgotten.
    #[must_use]
    pub fn forget_after(&self) -> Duration {
        Duration::from_secs(u64::from(self.forget_ended_after) * 60 * 60)
    }

    /// For how long refused commands are kept; `None` if they are not recorded.
    #[must_use]
    pub fn keep_refusals_for(&self) -> Option<Duration> {
        let days = u64::from(self.keep_refusals);
        (days > 0).then(|| Duration::from_secs(days * 24 * 60 * 60))
    }
}

/// An address that may hold a password. It is not shown: only scheme, hosts and path are.
///
/// What is in it is checked by whoever connects, so that no error message of the command line repeats it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// Wraps an address.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The address with everything in it: for connecting, never for showing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The address of an event store with one more parameter, which wins over the same one before it.
    fn with_parameter(&self, name: &str, value: &str) -> Self {
        let address = &self.0;
        let separator = if address.contains('?') { '&' } else { '?' };
        Self(format!("{address}{separator}{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
    }

    /// The address of an event store with this user in place of the one that it may have.
    #[must_use]
    pub fn with_user(&self, name: &str, password: &Secret) -> Self {
        let Some((scheme, rest)) = self.0.split_once("://") else { return self.clone() };
        let (authority, parameters) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
        let encoded = |text| utf8_percent_encode(text, ENCODED_IN_USER);
        Self(format!("{scheme}://{}:{}@{hosts}{parameters}", encoded(name), encoded(password.expose())))
    }
}

impl FromStr for SecretUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text))
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return f.write_str("***");
        };
        // A password may hold any of the characters that separate the other parts: what is before the last @ goes.
        match rest.rsplit_once('@') {
            Some((_, after)) => write!(f, "{scheme}://***@{}", without_query(after)),
            None => write!(f, "{scheme}://{}", without_query(rest)),
        }
    }
}

fn without_query(rest: &str) -> &str {
    rest.split(['?', '#']).next().unwrap_or_default()
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
    }
}
