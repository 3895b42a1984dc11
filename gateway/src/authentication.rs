//! How the gateway finds out who asks.

mod bearer;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use shared_access::keys::{KeyDigest, KeyRing, KeysUnusable};
use shared_service::Problem;

use crate::visitor::{Known, Who};
use bearer::{Bearer, invalid_token};
pub use settings::{AuthenticationArgs, AuthenticationError, InvalidWays, PublishedAddress, Way, Ways};

/// How often what others have changed is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How those who ask identify themselves.
#[derive(Debug, Clone, Default)]
pub struct Authentication(Option<Arc<Verifiers>>);

/// What it takes for each of the ways.
#[derive(Debug)]
struct Verifiers {
    ways: Ways,
    keys: Option<KeyRing>,
}

/// By what somebody is known.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// An access key, of which this is kept.
    Key(KeyDigest),
}

/// Why somebody is not known.
#[derive(Debug)]
pub(crate) enum Unknown {
    /// What they show could not be read, or not be looked at.
    Unclear(Problem),
    /// They show something that is of no use: a guess, perhaps.
    Refused(Problem),
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

    /// Who sends a request. Each way has its turn, until one of them knows, or refuses.
    pub(crate) async fn identify(&self, request: &Parts) -> Result<Who, Unknown> {
        let Some(verifiers) = &self.0 else { return Ok(Who::Anybody) };
        match Bearer::of(&request.headers).map_err(Unknown::Unclear)? {
            Some(bearer) => verifiers.bearer(bearer).await.map(Who::Known),
            None => Ok(Who::Nobody),
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
        }
    }

    /// Notices what others change, for ever.
    pub(crate) async fn look_after(&self) {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let Some(verifiers) = self.0.clone() else { continue };
            // It reads files.
            let looked = tokio::task::spawn_blocking(move || verifiers.keys.as_ref().map(KeyRing::look)).await;
            if let Err(error) = looked {
                tracing::error!("looking after what people identify themselves by has failed: {error}");
            }
        }
    }
}

impl Verifiers {
    async fn bearer(&self, bearer: Bearer<'_>) -> Result<Known, Unknown> {
        let refused = |detail| Err(Unknown::Refused(invalid_token(detail)));
        let Some(keys) = &self.keys else { return refused("This is not an access token of this service.") };
        match keys.find(bearer.token()) {
            Ok(Some((principal, digest))) => Ok(Known { principal, credential: Credential::Key(digest) }),
            Ok(None) => refused("This is not an access key, or it has ended or was revoked."),
            Err(error @ KeysUnusable) => {
                let detail = "Nobody can be identified by a key at the moment. Nothing was done.";
                Err(Unknown::Unclear(Problem::unavailable(detail).caused_by(error)))
            }
        }
    }
}
