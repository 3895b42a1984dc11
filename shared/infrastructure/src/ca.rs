//! Whom to believe who a server is: the certificate authorities of a file, or those of the system.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The authorities cannot be read, in words that say of which file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InvalidAuthorities(String);

/// The cryptography of every connection. The client of the event store installs the same one as the process's default, and
/// fails if another has done so before: so nothing else here installs one.
pub(crate) fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The authorities in a file of PEM certificates, at least one.
pub(crate) fn from_file(path: &Path) -> Result<RootCertStore, InvalidAuthorities> {
    let unusable = |reason: &dyn std::fmt::Display| {
        InvalidAuthorities(format!("cannot use the certificate authorities in {}: {reason}", path.display()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))? {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() { Err(unusable(&"it holds no certificate in PEM form")) } else { Ok(roots) }
}

/// The authorities that the system knows. Those that rustls cannot use are left out.
pub(crate) fn of_system() -> Result<RootCertStore, InvalidAuthorities> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found.errors.first().map_or_else(|| "none were found".to_owned(), ToString::to_string);
        return Err(InvalidAuthorities(format!(
            "the system has no certificate authorities ({reason}); name a file with sslrootcert or --database-ca-file"
        )));
    }
    Ok(roots)
}
