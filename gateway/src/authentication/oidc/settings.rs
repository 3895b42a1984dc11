use std::path::PathBuf;

use clap::Args;
use shared_service::secret::{Secret, SecretFileError};
use shared_service::settings::List;

use super::issuer::IssuerUrl;
use super::roles::{RoleClaim, RoleMapping};

/// The identity provider.
#[derive(Debug, Clone, Args)]
pub struct OidcArgs {
    /// Identity provider (OpenID Connect), as it calls itself, such as https://login.example.com
    #[arg(long, value_name = "URL", env = "JETBRIDGE_OIDC_ISSUER")]
    #[allow(rustdoc::bare_urls, reason = "the help of the command line has no links")]
    oidc_issuer: Option<IssuerUrl>,
    /// Who the gateway is to the identity provider when people sign in. Without it nobody does
    #[arg(long, value_name = "ID", env = "JETBRIDGE_OIDC_CLIENT_ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
    /// File with the secret that the gateway shares with the identity provider; none for a public client
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_OIDC_CLIENT_SECRET_FILE", requires = "oidc_client_id")]
    oidc_client_secret_file: Option<PathBuf>,
    /// Audience that access tokens have to be for. Without it none are taken
    #[arg(long, value_name = "AUDIENCE", env = "JETBRIDGE_OIDC_AUDIENCE", requires = "oidc_issuer")]
    oidc_audience: Option<String>,
    /// Scopes to ask for beside openid when people sign in, with spaces between
    #[arg(long, value_name = "SCOPES", env = "JETBRIDGE_OIDC_SCOPES", default_value = "profile")]
    oidc_scopes: String,
    /// Claim with somebody's roles; dots lead into claims within others, as in realm_access.roles
    #[arg(long, value_name = "CLAIM", env = "JETBRIDGE_OIDC_ROLES_CLAIM", default_value = "roles")]
    oidc_roles_claim: String,
    /// Role that a value of this claim stands for, as VALUE=ROLE. More than one: again, or separated by commas. Without
    /// any, values that are names of roles are these roles
    #[arg(long, value_name = "VALUE=ROLE", env = "JETBRIDGE_OIDC_ROLE_MAP")]
    oidc_role_map: Vec<List<RoleMapping>>,
}

/// What an identity provider is asked.
#[derive(Debug, Clone)]
pub(in crate::authentication) struct OidcSettings {
    pub(super) issuer: IssuerUrl,
    pub(super) client: Option<OidcClient>,
    pub(super) audience: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) roles: RoleClaim,
}

/// Who the gateway is to the identity provider.
#[derive(Debug, Clone)]
pub(super) struct OidcClient {
    pub(super) id: String,
    pub(super) secret: Option<Secret>,
}

/// The settings do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum OidcSettingsError {
    /// Nobody to ask.
    #[error("--authentication oidc takes --oidc-issuer (JETBRIDGE_OIDC_ISSUER)")]
    NoIssuer,
    /// Nothing to ask for.
    #[error(
        "--authentication oidc takes --oidc-client-id, for people to sign in, or --oidc-audience, for access tokens, or \
         both"
    )]
    NoUse,
    /// Nowhere to come back to.
    #[error(
        "--oidc-client-id takes --public-url (JETBRIDGE_PUBLIC_URL): where browsers find the gateway, to which the \
         identity provider leads them back"
    )]
    NoPublicUrl,
    /// The secret.
    #[error(transparent)]
    Secret(#[from] SecretFileError),
}

impl OidcArgs {
    /// Whether files are named that not everybody can read.
    pub(in crate::authentication) const fn names_files(&self) -> bool {
        self.oidc_client_secret_file.is_some()
    }

    /// What the identity provider is asked, with the secret from its file.
    ///
    /// # Errors
    /// [`OidcSettingsError`] if something is missing or cannot be read.
    pub(in crate::authentication) fn settings(&self, has_public_url: bool) -> Result<OidcSettings, OidcSettingsError> {
        let issuer = self.oidc_issuer.clone().ok_or(OidcSettingsError::NoIssuer)?;
        let filled = |setting: &Option<String>| setting.clone().filter(|text| !text.is_empty());
        let (client_id, audience) = (filled(&self.oidc_client_id), filled(&self.oidc_audience));
        match (&client_id, &audience) {
            (None, None) => return Err(OidcSettingsError::NoUse),
            (Some(_), _) if !has_public_url => return Err(OidcSettingsError::NoPublicUrl),
            _ => {}
        }
        let secret = self.oidc_client_secret_file.as_deref().map(Secret::read).transpose()?;
        Ok(OidcSettings {
            issuer,
            client: client_id.map(|id| OidcClient { id, secret }),
            audience,
            scopes: self.oidc_scopes.split_ascii_whitespace().map(str::to_owned).collect(),
            roles: RoleClaim {
                name: self.oidc_roles_claim.clone(),
                mappings: self.oidc_role_map.iter().flat_map(|mappings| mappings.0.iter().cloned()).collect(),
            },
        })
    }
}
