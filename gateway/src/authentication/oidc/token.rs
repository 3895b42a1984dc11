//! Whom a signed token is of (RFC 7519, RFC 8725; OpenID Connect Core, 3.1.3.7).

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use shared_access::Principal;
use shared_kernel::{ActorName, PrincipalId};

use super::fetch::FetchError;
use super::provider::Provider;
use super::roles::RoleClaim;

/// How far clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// The longest token, in bytes.
const MAX_BYTES: usize = 16 * 1024;
/// The longest name, in characters.
const MAX_NAME: usize = 100;
/// What access tokens say they are, in lower case (RFC 9068, 2.1); many only say that they are tokens.
pub(super) const ACCESS_TOKEN_TYPES: &[&str] = &["at+jwt", "application/at+jwt", "jwt"];
/// What ID tokens say they are.
pub(super) const ID_TOKEN_TYPES: &[&str] = &["jwt"];

/// A token says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// It is not to be believed.
    #[error("{0}")]
    Refused(&'static str),
    /// The provider has to be asked first, and does not answer.
    #[error("the identity provider {0}")]
    Unavailable(#[from] FetchError),
}

/// What a token has to be.
pub(super) struct Expected<'a> {
    pub(super) audience: &'a str,
    pub(super) types: &'a [&'a str],
}

/// What a token that is to be believed says.
#[derive(Debug, Clone)]
pub(super) struct Claims(pub(super) Map<String, Value>);

impl Provider {
    pub(super) async fn verify(&self, token: &str, expected: &Expected<'_>) -> Result<Claims, TokenError> {
        if token.len() > MAX_BYTES {
            return Err(TokenError::Refused("the token is too long"));
        }
        let malformed = |_| TokenError::Refused("this is not a token that can be read");
        let header = jsonwebtoken::decode_header(token).map_err(malformed)?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA) {
            return Err(TokenError::Refused("the token is signed in another way than RS256, ES256 or EdDSA"));
        }
        let kind = header.typ.as_deref().map(str::to_ascii_lowercase);
        if kind.is_some_and(|kind| !expected.types.contains(&kind.as_str())) || header.crit.is_some() {
            return Err(TokenError::Refused("the token is of another kind"));
        }
        let mut keys = self.keys().await?;
        if keys.find(&header).is_none() {
            keys = self.keys_other_than(&keys).await?;
        }
        let key = keys.find(&header).ok_or(TokenError::Refused("the token is signed with an unknown key"))?;
        self.check(token, header.alg, key, expected)
    }

    fn check(
        &self,
        token: &str,
        algorithm: Algorithm,
        key: &DecodingKey,
        expected: &Expected<'_>,
    ) -> Result<Claims, TokenError> {
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[self.issuer.as_str()]);
        validation.set_audience(&[expected.audience]);
        validation.leeway = SKEW.as_secs().unsigned_abs();
        validation.validate_nbf = true;
        let claims = jsonwebtoken::decode(token, key, &validation).map_err(|error| refusal(error.kind()))?.claims;
        let claims = Claims(claims);
        // A list of issuers with the right one among them is nothing that anybody should write.
        if claims.text("iss") != Some(self.issuer.as_str()) {
            return Err(TokenError::Refused("the token is of another issuer"));
        }
        Ok(claims)
    }
}

fn refusal(kind: &ErrorKind) -> TokenError {
    TokenError::Refused(match kind {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidIssuer => "the token is of another issuer",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidSignature => "the token's signature is wrong",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks one of exp, iss, aud and sub",
        _ => "this is not a token that can be read",
    })
}

impl Claims {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Until when the token is believed.
    pub(super) fn until(&self) -> Result<Timestamp, TokenError> {
        // Whole seconds: what is below them is within what clocks may be apart.
        let seconds = self.0.get("exp").and_then(|exp| exp.as_i64().or_else(|| exp.as_f64().map(|exp| exp as i64)));
        let end = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        end.and_then(|end| end.checked_add(SKEW).ok()).ok_or(TokenError::Refused("the token's exp is no time"))
    }

    /// Whom these claims describe.
    pub(super) fn principal(&self, roles: &RoleClaim, until: Option<Timestamp>) -> Result<Principal, TokenError> {
        let unusable = TokenError::Refused("the token's sub is not visible ASCII, or too long");
        let subject = self.text("sub").unwrap_or_default();
        let id: PrincipalId = format!("oidc:{subject}").parse().map_err(|_| unusable.clone())?;
        let mut names = ["name", "preferred_username", "email"].into_iter().filter_map(|name| self.text(name));
        let name = names.find_map(|name| ActorName::new(name).ok());
        // An id is longer than a name may be.
        let beginning: String = subject.chars().take(MAX_NAME).collect();
        let name = name.or_else(|| ActorName::new(&beginning).ok()).ok_or(unusable)?;
        Ok(Principal { id, name, roles: roles.roles(&self.0), until })
    }
}
