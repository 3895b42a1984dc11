//! Encrypted connections to PostgreSQL, and whom to believe who the server is.

use std::path::Path;

use rustls::RootCertStore;
use shared_postgres_address::{Authorities, Protection};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ca;

/// What names the authorities that vouch for PostgreSQL.
pub(super) const AUTHORITIES_SETTING: &str = "sslrootcert or --database-ca-file";

/// For the driver: it connects as the protection asks for, or not at all.
pub(super) const fn ssl_mode(protection: &Protection) -> SslMode {
    match protection {
        Protection::Plain => SslMode::Disable,
        Protection::Encrypted | Protection::Verified(_) => SslMode::Require,
    }
}

pub(super) fn connector(protection: &Protection) -> Result<MakeRustlsConnect, String> {
    let config = match protection {
        // The driver does not use it.
        Protection::Plain => ca::trusting(RootCertStore::empty()),
        Protection::Encrypted => ca::trusting_anybody(),
        Protection::Verified(authorities) => {
            let roots = match authorities {
                Authorities::OfSystem => ca::of_system(AUTHORITIES_SETTING),
                Authorities::InFile(file) => ca::from_file(Path::new(file)),
            };
            ca::trusting(roots.map_err(|error| error.to_string())?)
        }
    };
    let config = config.map_err(|error| error.to_string())?;
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}
