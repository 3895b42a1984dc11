//! Sessions: who has signed in, kept by the browser in a sealed cookie, so that every gateway with the same keys knows
//! it, and none has to remember it.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::SameSite;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use shared_access::Principal;
use shared_access::keys::{KeyDigest, KeyRing, KeysUnusable};
use shared_kernel::{ActorName, PrincipalId};
use shared_service::Origin;
use shared_service::origin::SEC_FETCH_SITE;
use shared_service::problem::Problem;
use shared_service::problem_type;

use super::cookies::{Named, New, Site};
use super::recent::Recent;
use super::seal::{Seal, SessionKeys};

/// The name of the cookie, after `__Host-` wherever there is TLS.
pub(crate) const COOKIE: &str = "jetbridge-session";
const NAMED: Named = Named::everywhere(COOKIE);
/// Sessions of which is remembered that they were signed out, until they would end anyway.
const MOST_ENDED: usize = 10_000;

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionLimits {
    /// How long nobody may be at work.
    pub(super) idle: SignedDuration,
    /// How long one may be at work.
    pub(super) in_all: SignedDuration,
}

/// Who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// Tells sessions apart, those of one principal too.
    pub(crate) id: String,
    /// Who it was when they signed in.
    pub(crate) principal: Principal,
    /// The access key they signed in with, if it was one: the session ends with it.
    pub(crate) key: Option<KeyDigest>,
    /// Until when it lasts unless it is renewed.
    pub(crate) until: Timestamp,
    /// When it ends in any case.
    end: Timestamp,
}

/// Begins, finds and ends sessions.
pub(crate) struct Sessions {
    seal: Seal,
    limits: SessionLimits,
    site: Site,
    allowed_origins: Vec<Origin>,
    ended: Recent,
}

/// A session as it is sealed.
#[derive(Serialize, Deserialize)]
struct Stored {
    id: String,
    principal: PrincipalId,
    name: ActorName,
    roles: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<KeyDigest>,
    until: Timestamp,
    end: Timestamp,
}

impl Sessions {
    pub(super) fn new(
        keys: &SessionKeys,
        limits: SessionLimits,
        public: Option<Origin>,
        allowed_origins: Vec<Origin>,
    ) -> Result<Self, Unspecified> {
        let (seal, ended) = (Seal::new(keys, COOKIE)?, Recent::at_most(MOST_ENDED));
        Ok(Self { seal, limits, site: Site(public), allowed_origins, ended })
    }

    /// Where browsers find the gateway.
    pub(super) const fn site(&self) -> &Site {
        &self.site
    }

    /// A new session, whatever the browser had before.
    pub(crate) fn begin(&self, principal: Principal, key: Option<KeyDigest>) -> Result<Session, Unspecified> {
        let mut id = [0; 16];
        rand::fill(&mut id)?;
        let now = Timestamp::now();
        let end = now + self.limits.in_all;
        let until = end.min(now + self.limits.idle);
        Ok(Session { id: URL_SAFE_NO_PAD.encode(id), principal, key, until, end })
    }

    /// The same session, as somebody at work has it from now on.
    pub(crate) fn renewed(&self, session: Session) -> Session {
        let until = session.end.min(Timestamp::now() + self.limits.idle);
        // An instance whose limit is shorter does not take away what another has given.
        Session { until: until.max(session.until), ..session }
    }

    /// The header by which a browser keeps a session.
    pub(crate) fn cookie(&self, session: &Session, request: &Parts) -> Option<HeaderValue> {
        let stored = Stored {
            id: session.id.clone(),
            principal: session.principal.id.clone(),
            name: session.principal.name.clone(),
            roles: session.principal.roles.to_string(),
            key: session.key,
            until: session.until,
            end: session.end,
        };
        let value = self.seal.seal(&stored)?;
        self.site.set(New { named: NAMED, value, same_site: SameSite::Strict, kept_for: None }, request)
    }

    /// The session that a request belongs to, if it does.
    ///
    /// # Errors
    /// 403 `cross-site` if the request may change something, and does not say that a page of the gateway sends it:
    /// a browser adds the cookie whoever makes it send something.
    pub(crate) fn find(&self, request: &Parts) -> Result<Option<Session>, Problem> {
        let Some(session) = self.site.read(NAMED, request).and_then(|cookie| self.open(&cookie)) else {
            return Ok(None);
        };
        let is_safe = matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
        if is_safe || self.is_of_own_page(&request.headers) { Ok(Some(session)) } else { Err(cross_site()) }
    }

    /// Who that is: if they signed in with an access key, whoever has it now, or nobody when it is of no use any more.
    pub(crate) fn principal(
        &self,
        session: &Session,
        keys: Option<&KeyRing>,
    ) -> Result<Option<Principal>, KeysUnusable> {
        let Some(digest) = &session.key else { return Ok(Some(session.principal.clone())) };
        let Some(keys) = keys else { return Ok(None) };
        let until = |of_key: Option<Timestamp>| Some(of_key.map_or(session.until, |end| end.min(session.until)));
        let found = keys.find_by_digest(digest)?;
        Ok(found.map(|principal| Principal { until: until(principal.until), ..Principal::clone(&principal) }))
    }

    /// Ends a session: its cookie is not taken any more by this process.
    pub(crate) fn end(&self, session: &Session) {
        self.ended.add(&session.id, session.end);
    }

    /// Whether a session is not over, nor has somebody signed out of it.
    pub(crate) fn is_open(&self, session: &Session) -> bool {
        Timestamp::now() < session.until && !self.ended.contains(&session.id)
    }

    /// The header by which a browser forgets its session.
    pub(crate) fn no_cookie(&self, request: &Parts) -> Option<HeaderValue> {
        self.site.remove(NAMED, SameSite::Strict, request)
    }

    fn open(&self, cookie: &str) -> Option<Session> {
        let Stored { id, principal, name, roles, key, until, end } = self.seal.open(cookie)?;
        let principal = Principal { id: principal, name, roles: roles.parse().ok()?, until: Some(until.min(end)) };
        let session = Session { id, principal, key, until: until.min(end), end };
        self.is_open(&session).then_some(session)
    }

    /// What another site sends was refused before. Here a browser has to say that it is not of another site, and it may
    /// not be of one whose pages are allowed to send: they do so in nobody's name.
    fn is_of_own_page(&self, headers: &HeaderMap) -> bool {
        let is_allowed = |origin: &HeaderValue| {
            self.allowed_origins.iter().any(|allowed| allowed.as_str().as_bytes() == origin.as_bytes())
        };
        match (headers.get(SEC_FETCH_SITE), headers.get(header::ORIGIN)) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => !is_allowed(origin),
            (None, None) => false,
        }
    }
}

/// A request that somebody's browser may have been made to send.
fn cross_site() -> Problem {
    let detail = "This may change something, comes with the cookie of a session, and does not say that a page of this \
                  service sends it (Sec-Fetch-Site: same-origin, or its Origin). A program sends an access key instead: \
                  Authorization: Bearer.";
    Problem::new(problem_type::CROSS_SITE, detail)
}
