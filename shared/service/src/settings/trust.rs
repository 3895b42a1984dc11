use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use rustls::{ClientConfig, RootCertStore};
use shared_tls::InvalidAuthorities;

use super::ServiceUrl;

/// What metrics call the authorities.
const AUTHORITY: &str = "service-authority";
const SETTING: &str = "--service-ca-file (JETBRIDGE_SERVICE_CA_FILE)";

/// Who vouches for other services.
#[derive(Debug, Clone, Args)]
pub struct ServiceCaArgs {
    /// File with the certificates of the authorities that vouch for services at https addresses [default: those of the
    /// system]
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_SERVICE_CA_FILE")]
    service_ca_file: Option<PathBuf>,
}

/// Services over TLS cannot be told from others.
#[derive(Debug, thiserror::Error)]
pub enum ServiceTrustError {
    /// There is nobody to vouch for them.
    #[error(transparent)]
    Authorities(#[from] InvalidAuthorities),
    /// This build has no usable version of TLS.
    #[error("TLS cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

/// Whom to believe that they are the service that they are asked as. Nobody, unless the settings say so.
#[derive(Clone, Default)]
pub struct ServiceTrust(Option<ClientConfig>);

impl ServiceCaArgs {
    /// What these services have to prove. A file that is named is read in any case, so that a mistake in it shows; the
    /// system is asked only if one of them is spoken to over TLS.
    ///
    /// # Errors
    /// [`ServiceTrustError`] if there is nobody to vouch for them.
    pub fn trust<'a>(
        &self,
        services: impl IntoIterator<Item = &'a ServiceUrl>,
    ) -> Result<ServiceTrust, ServiceTrustError> {
        match (&self.service_ca_file, services.into_iter().any(ServiceUrl::is_secure)) {
            (Some(file), _) => ServiceTrust::in_file(file),
            (None, true) => ServiceTrust::of(shared_tls::of_system(SETTING)?),
            (None, false) => Ok(ServiceTrust::default()),
        }
    }
}

impl ServiceTrust {
    /// Believes those that an authority in this file vouches for.
    ///
    /// # Errors
    /// [`ServiceTrustError`] if there is none in it.
    pub fn in_file(file: &Path) -> Result<Self, ServiceTrustError> {
        Self::of(shared_tls::from_file(file, AUTHORITY)?)
    }

    fn of(roots: RootCertStore) -> Result<Self, ServiceTrustError> {
        Ok(Self(Some(shared_tls::trusting(roots)?.with_no_client_auth())))
    }

    /// How clients of services secure their connections. `None` if there is nobody to believe.
    #[must_use]
    pub const fn config(&self) -> Option<&ClientConfig> {
        self.0.as_ref()
    }
}

impl fmt::Debug for ServiceTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServiceTrust").field(&self.0.is_some()).finish()
    }
}
