//! Signing in by the authorization code flow (OpenID Connect Core, 3.1), with PKCE, state and nonce.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointNotSet, EndpointSet, ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope, StandardRevocableToken, StandardTokenIntrospectionResponse, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared_access::Principal;
use shared_service::Origin;
use subtle::ConstantTimeEq;
use url::Url;

use super::fetch::FetchError;
use super::provider::{Metadata, Provider};
use super::roles::RoleClaim;
use super::settings::OidcClient;
use super::token::{Claims, Expected, ID_TOKEN_TYPES, TokenError};
use crate::authentication::recent::Recent;

/// How long somebody may take at the provider.
pub(crate) const ATTEMPT_LIMIT: SignedDuration = SignedDuration::from_mins(10);
/// Attempts that are remembered when they are over.
const MOST_OVER: usize = 10_000;
/// Where the provider leads people back to.
pub(crate) const CALLBACK: &str = "/auth/callback";
/// Where people find themselves when they have signed out at the provider.
pub(crate) const SIGNED_OUT: &str = "/sign-in";

/// Signing in at the provider.
pub(crate) struct SignIn {
    provider: Arc<Provider>,
    client: OidcClient,
    scopes: Vec<String>,
    roles: RoleClaim,
    redirect: String,
    signed_out: String,
    /// Attempts that are over, of which nobody can make use again: a browser may say the same twice, and so may somebody
    /// who has seen it.
    over: Recent,
}

/// An attempt to sign in: what the browser keeps of it, sealed, while its user is at the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
    /// Where to go afterwards.
    pub(crate) back: String,
    until: Timestamp,
}

/// What the provider has a browser say (RFC 6749, 4.1.2; RFC 9207).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Who has signed in, and the token that says so.
pub(crate) struct SignedIn {
    pub(crate) principal: Principal,
    pub(crate) id_token: String,
}

/// Nobody has signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The answer belongs to no attempt of this browser that is under way.
    #[error("this sign-in was not begun in this browser, has taken too long, or is over")]
    NotBegun,
    /// The provider, or the person there, says no.
    #[error("the identity provider refuses: {0}")]
    Refused(String),
    /// What the provider says of the person is not to be believed.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Token(error.into())
    }
}

/// What a token response has beside what OAuth 2.0 says.
#[derive(Debug, Serialize, Deserialize)]
struct IdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdToken {}

type OidcTokenResponse = StandardTokenResponse<IdToken, BasicTokenType>;
type OidcOauthClient = Client<
    BasicErrorResponse,
    OidcTokenResponse,
    StandardTokenIntrospectionResponse<EmptyExtraTokenFields, BasicTokenType>,
    StandardRevocableToken,
    oauth2::basic::BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl SignIn {
    pub(super) fn new(
        provider: Arc<Provider>,
        client: OidcClient,
        scopes: Vec<String>,
        roles: RoleClaim,
        public: &Origin,
    ) -> Self {
        let [redirect, signed_out] = [CALLBACK, SIGNED_OUT].map(|path| format!("{public}{path}"));
        Self { provider, client, scopes, roles, redirect, signed_out, over: Recent::at_most(MOST_OVER) }
    }

    /// Where to send a browser, and what it has to keep until it comes back.
    ///
    /// # Errors
    /// [`FetchError`] if the provider does not say where people sign in.
    pub(crate) async fn begin(&self, back: String) -> Result<(Url, Attempt), FetchError> {
        let client = self.oauth(&*self.provider.metadata().await?)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random().into_secret();
        let scopes = self.scopes.iter().map(|scope| Scope::new(scope.clone()));
        let (url, state) = client
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("openid".to_owned()))
            .add_scopes(scopes)
            .add_extra_param("nonce", nonce.clone())
            .set_pkce_challenge(challenge)
            .url();
        let until = Timestamp::now() + ATTEMPT_LIMIT;
        let (state, verifier) = (state.into_secret(), verifier.into_secret());
        Ok((url, Attempt { state, nonce, verifier, back, until }))
    }

    /// Who has signed in.
    ///
    /// # Errors
    /// [`Failure`] if nobody has.
    pub(crate) async fn finish(&self, attempt: Attempt, answer: Answer) -> Result<SignedIn, Failure> {
        let is_of_provider = answer.iss.as_ref().is_none_or(|issuer| issuer == self.provider.issuer.as_str());
        let is_open = answer.is_of(&attempt) && is_of_provider && Timestamp::now() < attempt.until;
        if !is_open || !self.over.add(&attempt.state, attempt.until) {
            return Err(Failure::NotBegun);
        }
        let code = match (answer.code, answer.error) {
            (Some(code), None) => code,
            (_, error) => return Err(Failure::Refused(word(error.as_deref().unwrap_or("no code")))),
        };
        let metadata = self.provider.metadata().await?;
        let tokens = self.exchange(&metadata, code, attempt.verifier).await?;
        let id_token = tokens.extra_fields().id_token.as_deref();
        let id_token = id_token.ok_or(TokenError::Refused("there is no ID token"))?;
        let expected = Expected { audience: &self.client.id, types: ID_TOKEN_TYPES };
        let claims = self.provider.verify(id_token, &expected).await?;
        let nonce = claims.text("nonce").unwrap_or_default();
        if !bool::from(nonce.as_bytes().ct_eq(attempt.nonce.as_bytes())) {
            return Err(TokenError::Refused("the ID token is of another sign-in").into());
        }
        if claims.text("azp").is_some_and(|party| party != self.client.id) {
            return Err(TokenError::Refused("the ID token is for another client").into());
        }
        let claims = self.with_user_info(&metadata, claims, tokens.access_token().secret()).await?;
        Ok(SignedIn { principal: claims.principal(&self.roles, None)?, id_token: id_token.to_owned() })
    }

    /// Where to send a browser for its user to sign out at the provider as well (OpenID Connect RP-Initiated Logout);
    /// `None` if that is not to be had, or not known at the moment. By an ID token the provider knows who that is, and
    /// does not have to ask them whether they want to.
    pub(crate) async fn end(&self, id_token: Option<String>) -> Option<Url> {
        let metadata = self.provider.metadata().await.ok()?;
        let mut url = metadata.end_session_endpoint.as_ref()?.url().clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.client.id)
            .append_pair("post_logout_redirect_uri", &self.signed_out)
            .extend_pairs(id_token.map(|token| ("id_token_hint", token)));
        Some(url)
    }

    async fn exchange(
        &self,
        metadata: &Metadata,
        code: String,
        verifier: String,
    ) -> Result<OidcTokenResponse, Failure> {
        let client = self.oauth(metadata)?;
        let exchanged = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&self.provider.http)
            .await;
        exchanged.map_err(|error| match error {
            RequestTokenError::ServerResponse(answer) => match answer.error() {
                BasicErrorResponseType::InvalidGrant => Failure::Refused("invalid_grant".to_owned()),
                other => FetchError::Malformed(format!("instead of tokens, {}", word(other.as_ref()))).into(),
            },
            RequestTokenError::Request(error) => error.into(),
            RequestTokenError::Parse(error, _) => FetchError::Malformed(error.to_string()).into(),
            RequestTokenError::Other(other) => FetchError::Malformed(other).into(),
        })
    }

    /// Adds what the provider says elsewhere (Core, 5.3), if the token has no roles in it.
    async fn with_user_info(&self, metadata: &Metadata, claims: Claims, token: &str) -> Result<Claims, Failure> {
        let Some(endpoint) = metadata.userinfo_endpoint.as_ref().filter(|_| self.roles.find(&claims.0).is_none())
        else {
            return Ok(claims);
        };
        let mut all: Map<String, Value> = self.provider.json_for(endpoint, token).await?;
        if all.get("sub") != claims.0.get("sub") {
            return Err(TokenError::Refused("the identity provider tells of somebody else").into());
        }
        // What is signed counts.
        all.extend(claims.0);
        Ok(Claims(all))
    }

    fn oauth(&self, metadata: &Metadata) -> Result<OidcOauthClient, FetchError> {
        let malformed = |error: url::ParseError| FetchError::Malformed(error.to_string());
        let redirect = RedirectUrl::new(self.redirect.clone()).map_err(malformed)?;
        let client = Client::new(ClientId::new(self.client.id.clone()))
            .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.url().clone()))
            .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.url().clone()))
            .set_redirect_uri(redirect);
        let client = match &self.client.secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
            None => client,
        };
        let in_body = metadata.takes_secret_in_body();
        Ok(client.set_auth_type(if in_body { AuthType::RequestBody } else { AuthType::BasicAuth }))
    }
}

impl Answer {
    /// Whether it is about this attempt.
    fn is_of(&self, attempt: &Attempt) -> bool {
        self.state.as_deref().is_some_and(|state| state.as_bytes().ct_eq(attempt.state.as_bytes()).into())
    }
}

/// A word of the provider's, as far as it may be one: for the log.
fn word(text: &str) -> String {
    text.chars().filter(|character| character.is_ascii_alphanumeric() || "_-.".contains(*character)).take(60).collect()
}
