//! Cookies of the gateway's own: for it alone, and out of reach of scripts.

use cookie::time::Duration as CookieDuration;
use cookie::{Cookie, SameSite};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderValue, header};
use jiff::SignedDuration;
use shared_service::{Origin, OverTls};

/// Where browsers find the gateway, as far as cookies are concerned.
#[derive(Debug, Clone)]
pub(super) struct Site(pub(super) Option<Origin>);

impl Site {
    /// The name of a cookie. With `__Host-`, no other host and no page without TLS can set it (RFC 6265bis, 4.1.3.2); on
    /// this machine, where there may be no TLS, browsers would not take it so. Nor would they take one so that is for a
    /// part of the site; with `__Secure-` it is at least set over TLS.
    pub(super) fn name(&self, named: Named, request: &Parts) -> String {
        let prefix = match named.path {
            _ if self.is_plain(request) => "",
            "/" => "__Host-",
            _ => "__Secure-",
        };
        format!("{prefix}{}", named.name)
    }

    /// Whether a browser speaks to this machine without TLS. Anywhere else a cookie takes TLS.
    fn is_plain(&self, request: &Parts) -> bool {
        match &self.0 {
            Some(public) => public.as_str().starts_with("http://"),
            None if request.extensions.get::<OverTls>().is_some() => false,
            None => host_of(request).is_some_and(|host| is_loopback(&host)),
        }
    }

    /// The value of the cookie with this name, if there is exactly one.
    pub(super) fn read(&self, named: Named, request: &Parts) -> Option<String> {
        let name = self.name(named, request);
        let texts = request.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
        let mut found = cookies.filter(|cookie| cookie.name() == name);
        let first = found.next()?;
        found.next().is_none().then(|| first.value().to_owned())
    }

    /// The header that has a browser keep a cookie: for so long, or until it is closed.
    pub(super) fn set(&self, cookie: New, request: &Parts) -> Option<HeaderValue> {
        let mut built = Cookie::build((self.name(cookie.named, request), cookie.value))
            .path(cookie.named.path)
            .http_only(true)
            .secure(!self.is_plain(request))
            .same_site(cookie.same_site);
        if let Some(kept_for) = cookie.kept_for {
            built = built.max_age(CookieDuration::seconds(kept_for.as_secs()));
        }
        HeaderValue::from_str(&built.build().to_string()).ok()
    }

    /// The header that has a browser forget a cookie.
    pub(super) fn remove(&self, named: Named, same_site: SameSite, request: &Parts) -> Option<HeaderValue> {
        self.set(New { named, value: String::new(), same_site, kept_for: Some(SignedDuration::ZERO) }, request)
    }
}

/// What a cookie is called, before any prefix, and below which path browsers send it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
}

impl Named {
    /// One that is sent with every request.
    pub(super) const fn everywhere(name: &'static str) -> Self {
        Self { name, path: "/" }
    }
}

/// A cookie that a browser is to keep.
pub(super) struct New {
    pub(super) named: Named,
    pub(super) value: String,
    pub(super) same_site: SameSite,
    pub(super) kept_for: Option<SignedDuration>,
}

/// The name or address that a request is for.
fn host_of(request: &Parts) -> Option<String> {
    let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let authority = host.or_else(|| request.uri.authority().cloned())?;
    Some(authority.host().trim_matches(['[', ']']).to_ascii_lowercase())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}
