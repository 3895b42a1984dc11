use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use shared_access::keys::{KeyRing, KeysError};

use super::{Authentication, Verifiers};

/// How those who ask identify themselves.
#[derive(Debug, Clone, Args)]
pub struct AuthenticationArgs {
    /// How those who ask identify themselves: none, for one machine, on which everybody may do everything; or keys, by
    /// access keys
    #[arg(long, value_name = "WAYS", env = "JETBRIDGE_AUTHENTICATION", default_value = "none")]
    authentication: Ways,
    /// File that the access keys are kept in, which the subcommand `keys` makes. It is read again when it changes
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_ACCESS_KEYS_FILE")]
    access_keys_file: Option<PathBuf>,
    /// Address by which others reach what listens here, if that is another one than --listen, as in a container. With
    /// --authentication none it has to be this machine's own, such as 127.0.0.1
    #[arg(long, value_name = "ADDRESS", env = "JETBRIDGE_PUBLISHED_ADDRESS")]
    published_address: Option<PublishedAddress>,
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
        self.access_keys_file.is_some()
    }

    /// Opens what it takes. The access keys are in `keys_file` unless that is set.
    ///
    /// # Errors
    /// [`AuthenticationError`] if something that it takes is missing or of no use.
    pub fn open(&self, keys_file: Option<PathBuf>) -> Result<Authentication, AuthenticationError> {
        if self.is_none() {
            return Ok(Authentication::none());
        }
        let mut verifiers = Verifiers { ways: self.authentication.clone(), keys: None };
        for way in self.authentication.iter() {
            match way {
                Way::Keys => {
                    let file = self.access_keys_file.clone().or_else(|| keys_file.clone()).ok_or(KeysError::NoFile)?;
                    verifiers.keys = Some(KeyRing::open(file)?);
                }
            }
        }
        Ok(Authentication(Some(Arc::new(verifiers))))
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
}

shared_kernel::named! {
    /// A way to identify oneself.
    pub enum Way {
        /// By an access key.
        Keys = "keys",
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
