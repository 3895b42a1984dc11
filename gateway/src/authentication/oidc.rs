//! OpenID Connect: access tokens of an identity provider, and signing in at it.

mod fetch;
mod issuer;
mod kept;
mod keys;
mod provider;
mod roles;
mod settings;
mod sign_in;
mod token;

use std::sync::Arc;

use jiff::Timestamp;
use shared_access::Principal;

pub(super) use issuer::is_protected;
pub use issuer::{InvalidIssuer, IssuerUrl};
pub use roles::{InvalidRoleMapping, RoleMapping};
pub(super) use settings::OidcSettings;
pub use settings::{OidcArgs, OidcSettingsError};
pub(crate) use sign_in::{ATTEMPT_LIMIT, Answer, Attempt, Failure, SignIn, SignedIn};
pub(crate) use token::TokenError;

use provider::Provider;
use roles::RoleClaim;
use shared_service::Origin;
use token::Expected;

/// What an identity provider is asked, and believed.
pub(crate) struct Oidc {
    provider: Arc<Provider>,
    audience: Option<String>,
    roles: RoleClaim,
    sign_in: Option<SignIn>,
}

impl Oidc {
    /// `public` is where browsers find the gateway: the provider leads them back there.
    ///
    /// # Errors
    /// If the system has nothing by which certificates can be checked.
    pub(crate) fn new(settings: OidcSettings, public: Option<&Origin>) -> Result<Self, reqwest::Error> {
        let provider = Arc::new(Provider::new(settings.issuer)?);
        let client = settings.client.zip(public);
        let sign_in = client.map(|(client, public)| {
            SignIn::new(Arc::clone(&provider), client, settings.scopes, settings.roles.clone(), public)
        });
        Ok(Self { provider, audience: settings.audience, roles: settings.roles, sign_in })
    }

    /// Whom an access token is of, and until when.
    ///
    /// # Errors
    /// [`TokenError`] if it is not to be believed, or that cannot be told at the moment.
    pub(crate) async fn bearer(&self, token: &str) -> Result<(Principal, Timestamp), TokenError> {
        let audience = self.audience.as_deref().ok_or(TokenError::Refused("access tokens are not taken here"))?;
        let claims = self.provider.verify(token, &Expected { audience, types: token::ACCESS_TOKEN_TYPES }).await?;
        let until = claims.until()?;
        Ok((claims.principal(&self.roles, Some(until))?, until))
    }

    /// Signing in for people; `None` if this is not set up.
    pub(crate) const fn sign_in(&self) -> Option<&SignIn> {
        self.sign_in.as_ref()
    }
}
