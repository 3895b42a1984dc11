//! The names that a service answers to.
//!
//! A page of the web can have its own name lead to an address of this machine or its network, and then read what is
//! answered there as if it were its own (DNS rebinding). It cannot choose the name that its requests carry: that is its
//! own. So a service answers to the names it has, and to IP addresses, which nobody can have lead elsewhere.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::request::Parts;
use http::{Version, header};

use crate::problem::Problem;

/// The longest name, in bytes (RFC 1035, 2.3.4).
const MAX_NAME_LENGTH: usize = 253;

/// A name of a machine, in lower case, without a dot at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

/// A text is not the name of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a name such as app.example.com, without a scheme, a port or a path")]
pub struct InvalidHostName;

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if name.len() <= MAX_NAME_LENGTH && name.split('.').all(is_label) {
            Ok(Self(name.to_ascii_lowercase()))
        } else {
            Err(InvalidHostName)
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom a request is for: a host, and a port unless it is the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(HostName),
}

impl Authority {
    /// Whom this request is for (RFC 9112, 3.2 and 3.2.2; RFC 9113, 8.3.1). `None` if it does not have to say, and does
    /// not.
    ///
    /// # Errors
    /// 400 `malformed-header` if it does not say, or in more than one way.
    pub(crate) fn of(request: &Parts) -> Result<Option<Self>, Problem> {
        let mut hosts = request.headers.get_all(header::HOST).iter();
        let given = hosts.next().map(|value| value.to_str().ok().and_then(Self::parse).ok_or_else(malformed));
        if hosts.next().is_some() {
            return Err(Problem::malformed_header("Host", "must be there once only"));
        }
        let (given, target) = (given.transpose()?, request.uri.authority());
        let target = target.map(|target| Self::parse(target.as_str()).ok_or_else(malformed)).transpose()?;
        if request.version == Version::HTTP_11 && given.is_none() {
            return Err(Problem::malformed_header("Host", "is missing"));
        }
        if request.version < Version::HTTP_2 {
            // What is said in the first line counts.
            return Ok(target.or(given));
        }
        match (target, given) {
            (Some(target), Some(given)) if target != given => {
                Err(Problem::malformed_header("Host", "must be the same as :authority"))
            }
            (None, None) => Err(Problem::malformed_header("Host", "is missing, and so is :authority")),
            (target, given) => Ok(target.or(given)),
        }
    }

    /// `host` or `host:port`, of http.
    fn parse(text: &str) -> Option<Self> {
        Self::of_scheme(text, HTTP_PORT)
    }

    /// `host` or `host:port`, of a scheme with this port.
    fn of_scheme(text: &str, own_port: u16) -> Option<Self> {
        let after_brackets = text.rfind(']').unwrap_or_default();
        let (host, port) = match text[after_brackets..].rfind(':') {
            Some(colon) => {
                let (host, port) = text.split_at(after_brackets + colon);
                (host, port.get(1..).unwrap_or_default())
            }
            None => (text, ""),
        };
        // Nothing after the colon stands for the scheme's own port (RFC 3986, 3.2.3).
        let port = if port.is_empty() { None } else { Some(port_number(port)?) };
        Some(Self { host: Host::parse(host)?, port: port.filter(|port| *port != own_port) })
    }

    /// Whether it is a name of its own: no address, and none that stands for whatever machine one is on.
    pub(crate) fn is_name_of_site(&self) -> bool {
        match &self.host {
            Host::Name(HostName(name)) => name != "localhost" && !name.ends_with(".localhost"),
            Host::Address(_) => false,
        }
    }

    /// Whether a page at this origin, such as `http://example.com:8080`, has been answered by the same host and port.
    /// With `tls`, which a proxy has to have spoken, the origin may be one of https.
    pub(crate) fn is_of_origin(&self, origin: &str, tls: bool) -> bool {
        let https = || origin.strip_prefix("https://").filter(|_| tls).map(|authority| (authority, HTTPS_PORT));
        let http = origin.strip_prefix("http://").map(|authority| (authority, HTTP_PORT));
        let own = http.or_else(https).and_then(|(authority, port)| Self::of_scheme(authority, port));
        own.as_ref() == Some(self)
    }
}

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

fn port_number(text: &str) -> Option<u16> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Some(inside) = text.strip_prefix('[') {
            let address: Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(address.into()));
        }
        let name = || text.parse().ok().map(Self::Name);
        text.parse::<Ipv4Addr>().ok().map(|address| Self::Address(address.into())).or_else(name)
    }
}

fn malformed() -> Problem {
    Problem::malformed_header("Host", "must be a host, or a host and a port, such as localhost:8080")
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Name(name) => write!(f, "{name}"),
        }?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// The names of this machine, and those that an operator has given.
#[derive(Debug, Clone)]
pub(crate) struct Names(Vec<HostName>);

impl Names {
    pub(crate) fn with(public: Vec<HostName>) -> Self {
        let own = gethostname::gethostname().to_str().and_then(|name| name.parse().ok());
        Self([HostName("localhost".to_owned())].into_iter().chain(own).chain(public).collect())
    }

    /// Whether the service answers for this host.
    pub(crate) fn contain(&self, authority: &Authority) -> bool {
        match &authority.host {
            Host::Address(_) => true,
            Host::Name(name) => self.0.contains(name),
        }
    }
}

#[cfg(test)]
mod tests;
