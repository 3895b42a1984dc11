//! The origins of pages that send requests here.

use std::fmt;
use std::str::FromStr;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use url::Url;

use crate::host::Authority;
use crate::server::OverTls;

/// How the page that sends a request is related to where it is sent (W3C Fetch Metadata).
pub const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The origin of a page as browsers write it, such as `https://example.com` (RFC 6454, 6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// A text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// It is nothing of the kind.
    #[error("must be an origin such as https://example.com")]
    NotAnOrigin,
    /// No browser writes it so.
    #[error("must be written as browsers do: {0}")]
    Unusual(String),
}

impl Origin {
    /// The value of the header `Origin`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let url = Url::parse(text).map_err(|_| InvalidOrigin::NotAnOrigin)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidOrigin::NotAnOrigin);
        }
        let origin = url.origin().ascii_serialization();
        if origin == text { Ok(Self(origin)) } else { Err(InvalidOrigin::Unusual(origin)) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a page of another site sends this request, of a kind that may change something. Programs other than browsers
/// do not say where their requests come from.
pub(crate) fn is_foreign(request: &Parts, sent_to: Option<&Authority>, allowed: &[Origin]) -> bool {
    if matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    let is_allowed = |value: &HeaderValue| allowed.iter().any(|origin| origin.0.as_bytes() == value.as_bytes());
    // Where TLS ends here, no page without it has been answered here.
    let over_tls = request.extensions.get::<OverTls>().is_some();
    let tls = over_tls || is_sent_with_tls(&request.headers);
    let is_of = |origin: &str| {
        (!over_tls || origin.starts_with("https://"))
            && sent_to.is_some_and(|authority| authority.is_of_origin(origin, tls))
    };
    let is_own = |value: &HeaderValue| value.to_str().is_ok_and(is_of);
    let mut origins = request.headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) if is_allowed(origin) => false,
        (Some(origin), None) => !is_own(origin) || is_of_another_site(&request.headers),
        (None, _) => is_of_another_site(&request.headers),
        (Some(_), Some(_)) => true,
    }
}

/// Whether a proxy has spoken TLS with the client. It says so, or the browser does by calling an address of https its
/// own. A page cannot say either of itself.
fn is_sent_with_tls(headers: &HeaderMap) -> bool {
    let says = |name: HeaderName, value: &[u8]| headers.get(name).is_some_and(|found| found.as_bytes() == value);
    says(X_FORWARDED_PROTO, b"https") || says(SEC_FETCH_SITE, b"same-origin")
}

fn is_of_another_site(headers: &HeaderMap) -> bool {
    headers.get_all(SEC_FETCH_SITE).iter().any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

#[cfg(test)]
mod tests;
