use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use shared_access::keys::{KeyRing, KeysError};
use shared_service::{HostName, Origin};

use super::oidc::{Oidc, OidcArgs, OidcSettingsError};
use super::seal::SessionKeysError;
use super::session::Sessions;
use super::session_settings::SessionArgs;
use super::sign_in::SignInWays;
use super::{Authentication, Verifiers};

/// How those who ask identify themselves.
#[derive(Debug, Clone, Args)]
pub struct AuthenticationArgs {
    /// How those who ask identify themselves: none, for one machine, on which everybody may do everything; keys, by
    /// access keys; oidc, at an identity provider; or keys,oidc
    #[arg(long, value_name = "WAYS", env = "JETBRIDGE_AUTHENTICATION", default_value = "none")]
    authentication: Ways,
    /// File that the access keys are kept in, which the subcommand `keys` makes. It is read again when it changes
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_ACCESS_KEYS_FILE")]
    access_keys_file: Option<PathBuf>,
    /// Address by which others reach what listens here, if that is another one than --listen, as in a container. With
    /// --authentication none it has to be this machine's own, such as 127.0.0.1
    #[arg(long, value_name = "ADDRESS", env = "JETBRIDGE_PUBLISHED_ADDRESS")]
    published_address: Option<PublishedAddress>,
    #[command(flatten)]
    sessions: SessionArgs,
    #[command(flatten)]
    oidc: OidcArgs,
}

/// Files of a program's own, for what is not set.
#[derive(Debug, Clone, Default)]
pub struct AuthenticationFiles {
    /// That of the access keys.
    pub access_keys: Option<PathBuf>,
    /// That of the keys that sessions are sealed with, which is made if it is not there.
    pub session_keys: Option<PathBuf>,
}

impl AuthenticationArgs {
    /// Checks whether clients can be let in as they are, at the address that the gateway listens on.
    ///
    /// # Errors
    /// [`AuthenticationError::Open`] if others reach it, and nobody has to say who they are.
    pub fn check(&self, listen: SocketAddr) -> Result<(), AuthenticationError> {
        let address = self.published_address.map_or(listen.ip(), |published| published.0);
        match self.authentication.is_none() && !address.to_canonical().is_loopback() {
            true => Err(AuthenticationError::Open { address }),
            false => Ok(()),
        }
    }

    /// Whether nobody has to identify themselves.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.authentication.is_none()
    }

    /// Whether files are named that not everybody can read.
    #[must_use]
    pub const fn names_files(&self) -> bool {
        self.access_keys_file.is_some() || self.sessions.names_files() || self.oidc.names_files()
    }

    /// The name in the address at which browsers find the gateway, which is to answer for it.
    #[must_use]
    pub fn public_host(&self) -> Option<HostName> {
        self.sessions.public_host()
    }

    /// Opens what it takes, from the files that are set, or else these. Pages of `allowed_origins` may send requests that
    /// change something, but not in the name of whoever has signed in.
    ///
    /// # Errors
    /// [`AuthenticationError`] if something that it takes is missing or of no use.
    pub fn open(
        &self,
        files: AuthenticationFiles,
        allowed_origins: &[Origin],
    ) -> Result<Authentication, AuthenticationError> {
        if self.is_none() {
            return Ok(Authentication::none());
        }
        let (mut keys, mut oidc) = (None, None);
        let public = self.sessions.public();
        for way in self.authentication.iter() {
            match way {
                Way::Keys => {
                    let file = self.access_keys_file.clone().or_else(|| files.access_keys.clone());
                    keys = Some(Arc::new(KeyRing::open(file.ok_or(KeysError::NoFile)?)?));
                }
                Way::Oidc => {
                    let settings = self.oidc.settings(public.is_some())?;
                    oidc = Some(Arc::new(Oidc::new(settings, public).map_err(AuthenticationError::Tls)?));
                }
            }
        }
        let session_keys = self.sessions.keys(files.session_keys.as_deref())?;
        let unsealed = |_| AuthenticationError::SessionKeys(SessionKeysError::NotRandom);
        let (limits, origins) = (self.sessions.limits(), allowed_origins.to_vec());
        let sessions = Arc::new(Sessions::new(&session_keys, limits, public.cloned(), origins).map_err(unsealed)?);
        let sign_in = SignInWays::new(Arc::clone(&sessions), &session_keys, oidc.clone(), keys.clone());
        let (ways, sign_in) = (self.authentication.clone(), Arc::new(sign_in.map_err(unsealed)?));
        Ok(Authentication(Some(Arc::new(Verifiers { ways, keys, oidc, sessions, sign_in }))))
    }
}

/// Nobody can be let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticationError {
    /// Anybody on the network could do everything.
    #[error(
        "without authentication everybody may do everything, so this is for addresses of this machine alone, such as \
         127.0.0.1, and not for {address}. For others, make a key with `keys create --name NAME --role admin` and start \
         with --authentication keys. In a container, --published-address (JETBRIDGE_PUBLISHED_ADDRESS) says at which \
         address of the machine it can be reached"
    )]
    Open {
        /// Where others reach it.
        address: IpAddr,
    },
    /// There are no access keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// There is no identity provider.
    #[error(transparent)]
    Oidc(#[from] OidcSettingsError),
    /// Nothing can be sealed.
    #[error(transparent)]
    SessionKeys(#[from] SessionKeysError),
    /// Nothing can be asked of an identity provider.
    #[error("the system has no certificate authorities, which an identity provider is checked by")]
    Tls(#[source] reqwest::Error),
}

shared_kernel::named! {
    /// A way to identify oneself.
    pub enum Way {
        /// By an access key.
        Keys = "keys",
        /// At an identity provider, by OpenID Connect.
        Oidc = "oidc",
    }
}

/// The ways to identify oneself. As text they are separated by commas; `none` stands for none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways(Vec<Way>);

/// A text does not name ways to identify oneself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct InvalidWays;

impl fmt::Display for InvalidWays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways: Vec<_> = Way::ALL.iter().map(|way| way.as_str()).collect();
        write!(f, "must be {NONE}, or, separated by commas, some of: {}", ways.join(", "))
    }
}

const NONE: &str = "none";

impl Ways {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Way> {
        self.0.iter().copied()
    }

    fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Ways {
    type Err = InvalidWays;

    fn from_str(text: &str) -> Result<Self, InvalidWays> {
        if text.trim() == NONE {
            return Ok(Self(Vec::new()));
        }
        let ways = text.split(',').map(|way| way.trim().parse().map_err(|_| InvalidWays));
        ways.collect::<Result<_, _>>().map(Self)
    }
}

/// An address of this machine, as others use it. IPv6 may be in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedAddress(IpAddr);

impl FromStr for PublishedAddress {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let in_brackets = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        in_brackets.unwrap_or(text).parse().map(Self)
    }
}
