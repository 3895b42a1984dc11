//! Whom to believe who a server is: the certificate authorities of a file, or those of the system.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme, WantsVerifier,
};

/// The authorities cannot be read, in words that say of which file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidAuthorities(String);

/// Why a server's certificate is not believed, in words that go on after whose it is and say what to change.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Distrust {
    /// Nobody who is trusted vouches for it.
    #[error("was signed by an authority that is not trusted here: give {instead}")]
    UnknownAuthority {
        /// The setting that names others.
        instead: &'static str,
    },
    /// It names others.
    #[error("is for another name: use the name that it is for in the address")]
    OtherName,
    /// Its time is not now.
    #[error("has expired or is not valid yet: renew it, or correct the clock")]
    OutOfDate,
    /// Something else is wrong with it.
    #[error("cannot be used ({0})")]
    Unusable(CertificateError),
}

impl Distrust {
    /// What rustls says in its own words.
    #[must_use]
    pub fn because(error: &CertificateError, instead: &'static str) -> Self {
        match error {
            // An authority of the same name, but with another key, leaves a signature that does not fit.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownAuthority { instead },
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::OtherName,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::OutOfDate,
            other => Self::Unusable(other.clone()),
        }
    }
}

/// The cryptography of every connection, whatever the process's default is.
fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The authorities in a file of PEM certificates, at least one. `role` is what metrics call them.
///
/// # Errors
/// [`InvalidAuthorities`] if the file cannot be read, or holds none.
pub fn from_file(path: &Path, role: &str) -> Result<RootCertStore, InvalidAuthorities> {
    let unusable = |reason: &dyn std::fmt::Display| {
        InvalidAuthorities(format!("cannot use the certificate authorities in {}: {reason}", path.display()))
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| unusable(&error))?;
    shared_telemetry::relies_on_certificates(role, certificates.iter().map(|certificate| &**certificate));
    for certificate in certificates {
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() { Err(unusable(&"it holds no certificate in PEM form")) } else { Ok(roots) }
}

/// The authorities that the system knows. Those that rustls cannot use are left out. `instead` is the setting that
/// names others, for the error where there are none.
///
/// # Errors
/// [`InvalidAuthorities`] if there are none.
pub fn of_system(instead: &str) -> Result<RootCertStore, InvalidAuthorities> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found.errors.first().map_or_else(|| "none were found".to_owned(), ToString::to_string);
        return Err(InvalidAuthorities(format!(
            "the system has no certificate authorities ({reason}); name a file with {instead}"
        )));
    }
    Ok(roots)
}

/// Believes servers that one of `roots` vouches for.
///
/// # Errors
/// If this build has no usable version of TLS.
pub fn trusting(roots: RootCertStore) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    Ok(builder(crypto_provider())?.with_root_certificates(roots))
}

/// Believes whoever answers.
///
/// # Errors
/// If this build has no usable version of TLS.
pub fn trusting_anybody() -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    let provider = crypto_provider();
    let verifier = Arc::new(WhoeverAnswers { provider: Arc::clone(&provider) });
    Ok(builder(provider)?.dangerous().with_custom_certificate_verifier(verifier))
}

fn builder(provider: Arc<CryptoProvider>) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

/// Takes any certificate: it keeps those out who listen, not those who stand in between.
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
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
