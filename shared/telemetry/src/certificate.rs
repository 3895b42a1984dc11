//! When the certificates expire that a process relies on.

use x509_parser::parse_x509_certificate;

use crate::table::CERTIFICATE_EXPIRY;

/// Notes certificates that this process relies on, in DER form: of them, the one that expires first. `of` says whose they
/// are in a word, such as `event-store`. One that cannot be read is left out.
pub fn relies_on_certificates<'a>(of: &str, certificates: impl IntoIterator<Item = &'a [u8]>) {
    let ends = |der: &[u8]| Some(parse_x509_certificate(der).ok()?.1.validity().not_after.timestamp());
    if let Some(first) = certificates.into_iter().filter_map(ends).min() {
        CERTIFICATE_EXPIRY.of([of]).set(first as f64);
    }
}
