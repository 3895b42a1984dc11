//! The ID token that somebody has signed in with, kept by their browser until they sign out: by it the provider knows
//! whom to sign out, without asking.

use aws_lc_rs::error::Unspecified;
use cookie::SameSite;
use http::HeaderValue;
use http::request::Parts;
use serde::{Deserialize, Serialize};

use super::cookies::{Named, New, Site};
use super::seal::{Seal, SessionKeys};
use super::session::Session;

/// Where people sign out, and nowhere else, the cookie is sent.
pub(super) const SIGN_OUT: &str = "/auth/sign-out";
const COOKIE: Named = Named { name: "jetbridge-id-token", path: SIGN_OUT };
/// The longest value, in bytes. Browsers keep 4096 of a cookie with its name and attributes (RFC 6265, 6.1), and common
/// proxies pass on answers with as many of headers in all, among which are two more cookies.
const LONGEST: usize = 2_400;

/// Keeps ID tokens in sealed cookies.
pub(super) struct IdTokens {
    seal: Seal,
}

/// A token, and the session that began with it: with another one it says nothing.
#[derive(Serialize, Deserialize)]
struct Kept {
    session: String,
    token: String,
}

impl IdTokens {
    pub(super) fn new(sealed_with: &SessionKeys) -> Result<Self, Unspecified> {
        Seal::new(sealed_with, COOKIE.name).map(|seal| Self { seal })
    }

    /// The header that has a browser keep a token; `None` for one that is too long for that.
    pub(super) fn cookie(&self, session: &Session, token: String, site: &Site, request: &Parts) -> Option<HeaderValue> {
        let value =
            self.seal.seal(&Kept { session: session.id.clone(), token }).filter(|value| value.len() <= LONGEST)?;
        site.set(New { named: COOKIE, value, same_site: SameSite::Strict, kept_for: None }, request)
    }

    /// The token that a session began with.
    pub(super) fn find(&self, session: &Session, site: &Site, request: &Parts) -> Option<String> {
        let kept: Kept = self.seal.open(&site.read(COOKIE, request)?)?;
        (kept.session == session.id).then_some(kept.token)
    }

    /// The header that has a browser forget it.
    pub(super) fn no_cookie(site: &Site, request: &Parts) -> Option<HeaderValue> {
        site.remove(COOKIE, SameSite::Strict, request)
    }
}
