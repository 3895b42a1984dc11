//! Encrypted connections to PostgreSQL: `sslmode` and `sslrootcert` of an address, with libpq's meaning.

use std::borrow::Cow;
use std::path::Path;

use percent_encoding::percent_decode_str;
use rustls::RootCertStore;
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
        let config = match self {
            // The driver does not use it.
            Self::Plain => ca::trusting(RootCertStore::empty()),
            Self::Encrypted => ca::trusting_anybody(),
            Self::Verified(authorities) => {
                let roots = match authorities {
                    Authorities::OfSystem => ca::of_system("sslrootcert or --database-ca-file"),
                    Authorities::InFile(file) => ca::from_file(Path::new(file)),
                };
                ca::trusting(roots.map_err(|error| error.to_string())?)
            }
        };
        let config = config.map_err(|error| error.to_string())?;
        Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
    }
}

fn decoded(value: &str) -> Cow<'_, str> {
    percent_decode_str(value).decode_utf8_lossy()
}

#[cfg(test)]
mod tests;
