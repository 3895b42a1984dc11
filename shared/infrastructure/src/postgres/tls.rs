//! Encrypted connections to PostgreSQL: `sslmode` and `sslrootcert` of an address, with libpq's meaning.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ca;

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Protection {
    /// Not at all: for a server on the same machine or a private network.
    Plain,
    /// It is encrypted, for whoever answers.
    Encrypted,
    /// It is encrypted, and the server has proved that it has the name in the address.
    Verified(Authorities),
}

/// Whom to believe who the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authorities {
    OfSystem,
    InFile(String),
}

impl Protection {
    /// Takes what concerns it out of an address. What is left is for the driver, which knows neither `verify-full` nor
    /// `sslrootcert`. Of a parameter that is there twice, the later one wins.
    pub(super) fn take_from(address: &str) -> Result<(String, Self), String> {
        let Some((front, parameters)) = address.split_once('?') else {
            return Ok((address.to_owned(), Self::Plain));
        };
        let (mut mode, mut authorities) = (None, None);
        let mut others = Vec::new();
        for parameter in parameters.split('&') {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(decoded(value)),
                Some(("sslrootcert", value)) => authorities = Some(decoded(value)),
                _ => others.push(parameter),
            }
        }
        let separator = if others.is_empty() { "" } else { "?" };
        let rest = format!("{front}{separator}{}", others.join("&"));
        let protection = match (mode.as_deref(), authorities.as_deref()) {
            (None | Some("disable" | "prefer"), None) => Self::Plain,
            (Some("require"), None) => Self::Encrypted,
            (Some("verify-full"), None | Some("system")) => Self::Verified(Authorities::OfSystem),
            (Some("verify-full"), Some(file)) => Self::Verified(Authorities::InFile(file.to_owned())),
            (_, Some(_)) => return Err("with certificate authorities, sslmode must be verify-full".to_owned()),
            (Some(_), None) => return Err("sslmode must be disable, prefer, require or verify-full".to_owned()),
        };
        Ok((rest, protection))
    }

    pub(super) const fn ssl_mode(&self) -> SslMode {
        match self {
            Self::Plain => SslMode::Disable,
            Self::Encrypted | Self::Verified(_) => SslMode::Require,
        }
    }

    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, String> {
        let provider = ca::crypto_provider();
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let config = match self {
            // The driver does not use it.
            Self::Plain => config.with_root_certificates(RootCertStore::empty()),
            Self::Encrypted => {
                config.dangerous().with_custom_certificate_verifier(Arc::new(WhoeverAnswers { provider }))
            }
            Self::Verified(authorities) => {
                let roots = match authorities {
                    Authorities::OfSystem => ca::of_system(),
                    Authorities::InFile(file) => ca::from_file(Path::new(file)),
                };
                config.with_root_certificates(roots.map_err(|error| error.to_string())?)
            }
        };
        Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
    }
}

fn decoded(value: &str) -> Cow<'_, str> {
    percent_decode_str(value).decode_utf8_lossy()
}

/// Takes any certificate, as `sslmode=require` does: it keeps those out who listen, not those who stand in between.
#[derive(Debug)]
struct WhoeverAnswers {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for WhoeverAnswers {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
