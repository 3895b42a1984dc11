use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};
use rustls::pki_types::ServerName;

use super::List;

/// So many instances of a service are named, at most.
const MOST: usize = 64;

/// Where another service of Jetbridge is: `http://host:port` or `https://host:port`, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    scheme: Scheme,
    authority: Authority,
}

impl ServiceUrl {
    /// The service at this address, without TLS.
    #[must_use]
    pub fn at(address: SocketAddr) -> Option<Self> {
        let authority = Authority::try_from(address.to_string()).ok()?;
        Some(Self { scheme: Scheme::HTTP, authority })
    }

    /// Host and port.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// How it is spoken to: http, or https.
    #[must_use]
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Whether it is spoken to over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// A text is not the address of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be like http://host:port or https://host:port, without a path")]
pub struct InvalidServiceUrl;

impl FromStr for ServiceUrl {
    type Err = InvalidServiceUrl;

    fn from_str(text: &str) -> Result<Self, InvalidServiceUrl> {
        let uri: Uri = text.parse().map_err(|_| InvalidServiceUrl)?;
        let has_path = !matches!(uri.path_and_query().map(http::uri::PathAndQuery::as_str), None | Some("" | "/"));
        let parts = uri.into_parts();
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority))
                if (scheme == Scheme::HTTP || scheme == Scheme::HTTPS && is_name(&authority))
                    && !has_path
                    && !authority.host().is_empty()
                    && !authority.as_str().contains('@') =>
            {
                Ok(Self { scheme, authority })
            }
            _ => Err(InvalidServiceUrl),
        }
    }
}

/// Whether a certificate can be for it.
fn is_name(authority: &Authority) -> bool {
    ServerName::try_from(authority.host().trim_matches(['[', ']'])).is_ok()
}

/// Where the instances of another service are: one address, or several with commas between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrls(Vec<ServiceUrl>);

/// A text is no list of addresses of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServiceUrls {
    /// One of them is none.
    #[error("{0}")]
    Url(#[from] InvalidServiceUrl),
    /// It would be asked twice as often as others.
    #[error("must not name an address twice")]
    Twice,
    /// There are too many.
    #[error("must name at most {MOST} addresses; one name may stand for as many")]
    TooMany,
}

impl ServiceUrls {
    /// Each of them; there is at least one.
    pub fn iter(&self) -> std::slice::Iter<'_, ServiceUrl> {
        self.0.iter()
    }
}

impl From<ServiceUrl> for ServiceUrls {
    fn from(url: ServiceUrl) -> Self {
        Self(vec![url])
    }
}

impl IntoIterator for ServiceUrls {
    type Item = ServiceUrl;
    type IntoIter = std::vec::IntoIter<ServiceUrl>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a ServiceUrls {
    type Item = &'a ServiceUrl;
    type IntoIter = std::slice::Iter<'a, ServiceUrl>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromStr for ServiceUrls {
    type Err = InvalidServiceUrls;

    fn from_str(text: &str) -> Result<Self, InvalidServiceUrls> {
        let List(urls) = text.parse::<List<ServiceUrl>>()?;
        match urls.as_slice() {
            [] => Err(InvalidServiceUrl.into()),
            urls if urls.len() > MOST => Err(InvalidServiceUrls::TooMany),
            urls if urls.iter().enumerate().any(|(at, url)| urls[..at].contains(url)) => Err(InvalidServiceUrls::Twice),
            _ => Ok(Self(urls)),
        }
    }
}
