//! What an address asks for: `sslmode` and `sslrootcert`, with libpq's meaning.

use crate::InvalidPostgresAddress;

pub(crate) const MODE: &str = "sslmode";
pub(crate) const AUTHORITIES: &str = "sslrootcert";

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// The address does not say.
    Unsaid,
    /// Not at all, and that is said: for a server on the same machine or a private network.
    Plain,
    /// It is encrypted if the server offers that, for whoever answers.
    Preferred,
    /// It is encrypted, for whoever answers.
    Encrypted,
    /// It is encrypted, and the server has proved that it has the name in the address.
    Verified(Authorities),
}

/// Whom to believe who the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// Those that the system knows.
    OfSystem,
    /// Those in a PEM file, by its path.
    InFile(String),
}

impl Protection {
    pub(crate) fn asked_for(mode: Option<&str>, authorities: Option<&str>) -> Result<Self, InvalidPostgresAddress> {
        match (mode, authorities) {
            (None, None) => Ok(Self::Unsaid),
            (Some("disable"), None) => Ok(Self::Plain),
            (Some("prefer"), None) => Ok(Self::Preferred),
            (Some("require"), None) => Ok(Self::Encrypted),
            (Some("verify-full"), None | Some("system")) => Ok(Self::Verified(Authorities::OfSystem)),
            (Some("verify-full"), Some(file)) => Ok(Self::Verified(Authorities::InFile(file.to_owned()))),
            (_, Some(_)) => Err(InvalidPostgresAddress("with certificate authorities, sslmode must be verify-full")),
            (Some(_), None) => Err(InvalidPostgresAddress("sslmode must be disable, prefer, require or verify-full")),
        }
    }
}
