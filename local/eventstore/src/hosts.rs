//! The names by which clients may reach a server.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The longest name there is (RFC 1035, section 2.3.4), in characters.
const LONGEST: usize = 253;

/// A name or an address of a server, without a port. Names are compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostName {
    /// A name, in lower case and without a dot at its end.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// A text is not the name of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a host name or an IP address, without a port")]
pub struct InvalidHostName;

impl HostName {
    /// Whether it is what every machine calls itself (RFC 6761, section 6.3).
    pub(crate) fn is_localhost(&self) -> bool {
        matches!(self, Self::Name(name) if name == "localhost")
    }
}

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        let in_brackets = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if let Some(address) = in_brackets {
            let address: std::net::Ipv6Addr = address.parse().map_err(|_| InvalidHostName)?;
            return Ok(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            !label.is_empty() && label.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_'))
        };
        if name.len() <= LONGEST && name.split('.').all(is_label) {
            Ok(Self::Name(name.to_ascii_lowercase()))
        } else {
            Err(InvalidHostName)
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}
