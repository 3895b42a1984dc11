use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::fetch::{FetchError, Http};
use super::issuer::{IssuerUrl, is_protected};
use super::kept::Kept;
use super::keys::{Document, KeySet};

/// How long what the provider says of itself is not asked for again.
const METADATA_FRESH_FOR: Duration = Duration::from_secs(60 * 60);
/// How long its keys are not asked for again, unless one is missing. A key that was withdrawn counts that long.
const KEYS_FRESH_FOR: Duration = Duration::from_secs(5 * 60);

/// An identity provider, and what it has said lately.
pub(crate) struct Provider {
    pub(super) issuer: IssuerUrl,
    pub(super) http: Http,
    metadata: Kept<Metadata>,
    keys: Kept<KeySet>,
}

/// What the provider says of itself (OpenID Connect Discovery, 3).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    jwks_uri: Endpoint,
    pub(super) authorization_endpoint: Endpoint,
    pub(super) token_endpoint: Endpoint,
    pub(super) userinfo_endpoint: Option<Endpoint>,
    pub(super) end_session_endpoint: Option<Endpoint>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// Where something can be asked for, protected on the way.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Endpoint(Url);

impl Endpoint {
    pub(super) const fn url(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for Endpoint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url = Url::parse(&text).ok().filter(is_protected);
        url.map(Self).ok_or_else(|| format!("{text} is not an address of https"))
    }
}

impl Metadata {
    /// Whether the secret of a client belongs into the body of a request, and not into its header as usual.
    pub(super) fn takes_secret_in_body(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        let has = |method: &str| methods.iter().any(|supported| supported == method);
        has("client_secret_post") && !has("client_secret_basic")
    }
}

impl Provider {
    pub(super) fn new(issuer: IssuerUrl) -> Result<Self, reqwest::Error> {
        let metadata = Kept::new("its description", METADATA_FRESH_FOR);
        Ok(Self { issuer, http: Http::new()?, metadata, keys: Kept::new("its keys", KEYS_FRESH_FOR) })
    }

    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, FetchError> {
        let ask = async {
            let metadata: Metadata = self.http.json(&self.issuer.discovery(), None).await?;
            // Otherwise one provider could describe itself as another (Discovery, 4.3).
            if metadata.issuer != self.issuer.as_str() {
                let other = format!("it calls itself {}, and not {}", metadata.issuer, self.issuer);
                return Err(FetchError::Malformed(other));
            }
            Ok(metadata)
        };
        self.metadata.get(ask).await
    }

    pub(super) async fn keys(&self) -> Result<Arc<KeySet>, FetchError> {
        self.keys.get(self.ask_for_keys()).await
    }

    /// The keys when there was none for a token among these.
    pub(super) async fn keys_other_than(&self, known: &Arc<KeySet>) -> Result<Arc<KeySet>, FetchError> {
        self.keys.other_than(known, self.ask_for_keys()).await
    }

    async fn ask_for_keys(&self) -> Result<KeySet, FetchError> {
        let metadata = self.metadata().await?;
        let document: Document = self.http.json(metadata.jwks_uri.url().as_str(), None).await?;
        Ok(document.into())
    }

    /// What is asked of the provider as the holder of an access token.
    pub(super) async fn json_for<T: DeserializeOwned>(&self, from: &Endpoint, token: &str) -> Result<T, FetchError> {
        self.http.json(from.url().as_str(), Some(token)).await
    }
}
