//! How the gateway finds out who asks.

mod bearer;
mod cookies;
mod id_token;
mod oidc;
mod recent;
mod seal;
mod session;
mod session_settings;
mod settings;
mod sign_in;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use jiff::Timestamp;
use shared_access::keys::{KeyDigest, KeyRing};
use shared_service::{Problem, Routes};
use shared_telemetry::table::{KEYS, KEYS_EXPIRY};
use shared_telemetry::{AtScrape, at_scrape};

use crate::visitor::{Known, Who};
use bearer::{Bearer, invalid_token};
pub use oidc::{InvalidIssuer, InvalidRoleMapping, IssuerUrl, OidcArgs, OidcSettingsError, RoleMapping};
use oidc::{Oidc, TokenError};
pub use seal::SessionKeysError;
use session::{Session, Sessions};
pub use session_settings::{InvalidPublicUrl, PublicUrl, SessionArgs};
pub use settings::{
    AuthenticationArgs, AuthenticationError, AuthenticationFiles, InvalidWays, PublishedAddress, Way, Ways,
};
use sign_in::SignInWays;

/// How often what others have changed is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How those who ask identify themselves.
#[derive(Debug, Clone, Default)]
pub struct Authentication(Option<Arc<Verifiers>>);

/// What it takes for each of the ways.
struct Verifiers {
    ways: Ways,
    keys: Option<Arc<KeyRing>>,
    oidc: Option<Arc<Oidc>>,
    sessions: Arc<Sessions>,
    sign_in: Arc<SignInWays>,
}

/// By what somebody is known.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// An access key, of which this is kept.
    Key(KeyDigest),
    /// A token of the identity provider, until it ends.
    Token(Timestamp),
    /// A session.
    Session(Box<Session>),
}

/// Why somebody is not known.
#[derive(Debug)]
pub(crate) enum Unknown {
    /// What they show could not be read, or not be looked at.
    Unclear(Problem),
    /// They show something that is of no use: a guess, perhaps.
    Refused(Problem),
    /// Their browser may have been made to send it.
    Foreign(Problem),
}

impl Authentication {
    /// Nobody has to identify themselves.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Whether nobody has to identify themselves.
    pub(crate) const fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// The names of the ways that there are.
    pub(crate) fn ways(&self) -> Vec<&'static str> {
        let ways = self.0.as_ref().map(|verifiers| verifiers.ways.iter().map(Way::as_str).collect());
        ways.unwrap_or_default()
    }

    /// The names of those in which people can sign in. A provider whose tokens alone are taken is not among them.
    pub(crate) fn ways_to_sign_in(&self) -> Vec<&'static str> {
        let Some(verifiers) = &self.0 else { return Vec::new() };
        let is_for_people = |way: &Way| match way {
            Way::Keys => true,
            Way::Oidc => verifiers.oidc.as_deref().is_some_and(|oidc| oidc.sign_in().is_some()),
        };
        verifiers.ways.iter().filter(is_for_people).map(Way::as_str).collect()
    }

    /// Where people sign in and out; nowhere where nobody has to.
    pub(crate) fn routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        let ways = self.0.as_ref().map(|verifiers| Arc::clone(&verifiers.sign_in));
        ways.map_or_else(Routes::new, sign_in::routes)
    }

    /// Who sends a request. What it says of itself counts alone, and not who has signed in in the same browser.
    pub(crate) async fn identify(&self, request: &Parts) -> Result<Who, Unknown> {
        let Some(verifiers) = &self.0 else { return Ok(Who::Anybody) };
        match Bearer::of(&request.headers).map_err(Unknown::Unclear)? {
            Some(bearer) => verifiers.bearer(bearer).await.map(Who::Known),
            None => verifiers.session(request),
        }
    }

    /// Whether what somebody is known by is still what it was when it was shown.
    pub(crate) fn still(&self, known: &Known) -> bool {
        let Some(verifiers) = &self.0 else { return false };
        match &known.credential {
            Credential::Key(digest) => {
                let keys = verifiers.keys.as_ref();
                let now = keys.and_then(|keys| keys.find_by_digest(digest).ok().flatten());
                now.is_some_and(|principal| principal.roles == known.principal.roles)
            }
            Credential::Token(until) => Timestamp::now() < *until,
            Credential::Session(session) => {
                let now = verifiers.sessions.principal(session, verifiers.keys.as_deref()).ok().flatten();
                let is_open = verifiers.sessions.is_open(session);
                is_open && now.is_some_and(|principal| principal.roles == known.principal.roles)
            }
        }
    }

    /// Measures the access keys, as long as what this gives is kept.
    pub(crate) fn measured(&self) -> Option<AtScrape> {
        let keys = Arc::clone(self.0.as_ref()?.keys.as_ref()?);
        Some(at_scrape(move || {
            let ends = keys.ends();
            KEYS.of([]).set(ends.len() as f64);
            match ends.into_iter().flatten().min() {
                Some(next) => KEYS_EXPIRY.of([]).set(next.as_duration().as_secs_f64()),
                None => KEYS_EXPIRY.forget([]),
            }
            std::future::ready(())
        }))
    }

    /// Notices what others change, for ever.
    pub(crate) async fn look_after(&self) {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let Some(verifiers) = self.0.clone() else { continue };
            // It reads files. Only the end of the runtime keeps it from that.
            let _ = tokio::task::spawn_blocking(move || verifiers.keys.as_deref().map(KeyRing::look)).await;
        }
    }
}

impl fmt::Debug for Verifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifiers").field("ways", &self.ways).finish_non_exhaustive()
    }
}

impl Verifiers {
    async fn bearer(&self, bearer: Bearer<'_>) -> Result<Known, Unknown> {
        match &self.oidc {
            Some(oidc) if !bearer.is_key() => Self::token(oidc, bearer.token()).await,
            _ => self.key(bearer),
        }
    }

    async fn token(oidc: &Oidc, token: &str) -> Result<Known, Unknown> {
        match oidc.bearer(token).await {
            Ok((principal, until)) => {
                Ok(Known { principal: Arc::new(principal), credential: Credential::Token(until) })
            }
            Err(TokenError::Refused(why)) => Err(Unknown::Refused(invalid_token(&format!("This is refused: {why}.")))),
            Err(TokenError::Unavailable(cause)) => {
                let detail = "The identity provider cannot be asked about this token at the moment. Nothing was done.";
                let cause = format_args!("the identity provider {cause}");
                Err(Unknown::Unclear(Problem::unavailable(detail).caused_by(cause)))
            }
        }
    }

    /// Who has signed in in the browser that sends a request.
    fn session(&self, request: &Parts) -> Result<Who, Unknown> {
        let Some(session) = self.sessions.find(request).map_err(Unknown::Foreign)? else { return Ok(Who::Nobody) };
        let principal = self.sessions.principal(&session, self.keys.as_deref());
        let principal = principal.map_err(|error| Unknown::Unclear(sign_in::unusable(error)))?;
        Ok(principal.map_or(Who::Nobody, |principal| {
            let credential = Credential::Session(Box::new(session));
            Who::Known(Known { principal: Arc::new(principal), credential })
        }))
    }

    fn key(&self, bearer: Bearer<'_>) -> Result<Known, Unknown> {
        let refused = |detail| Err(Unknown::Refused(invalid_token(detail)));
        let Some(keys) = &self.keys else { return refused("This is not an access token of this service.") };
        match keys.find(bearer.token()) {
            Ok(Some((principal, digest))) => Ok(Known { principal, credential: Credential::Key(digest) }),
            Ok(None) => refused("This is not an access key, or it has ended or was revoked."),
            Err(error) => Err(Unknown::Unclear(sign_in::unusable(error))),
        }
    }
}
