//! Why a connection to PostgreSQL cannot be set up.

use std::error::Error;
use std::io;

use shared_tls::Distrust;

use super::tls::AUTHORITIES_SETTING;
use super::{DatabaseError, is_transient};
use crate::causes::with_causes;

/// Why a connection to PostgreSQL cannot be set up, in PostgreSQL's own words: they may quote values, so it is for what
/// comes before the first statement that has any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// It cannot be reached, is overloaded, starting or stopping. Trying again later may succeed.
    #[error("{0}")]
    Unavailable(String),
    /// It cannot be used as the address says: it does not speak TLS, has not proved who it is, or wants a password
    /// where there is none.
    #[error("{0}")]
    Unusable(String),
    /// PostgreSQL refuses the user, the database, or what is to be set up.
    #[error("{0}")]
    Refused(String),
}

impl From<tokio_postgres::Error> for SetupError {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(refusal) = error.as_db_error() {
            let reason = format!("{} (SQLSTATE {})", refusal.message(), refusal.code().code());
            return if is_transient(refusal.code()) { Self::Unavailable(reason) } else { Self::Refused(reason) };
        }
        let reason = with_causes(&error);
        let Some(cause) = error.source() else { return Self::Unavailable(reason) };
        let Some(cause) = cause.downcast_ref::<io::Error>() else { return Self::Unusable(reason) };
        match cause.get_ref().and_then(|cause| cause.downcast_ref()) {
            Some(rustls::Error::InvalidCertificate(cause)) => {
                let distrust = Distrust::because(cause, AUTHORITIES_SETTING);
                Self::Unusable(format!("the server's certificate {distrust}"))
            }
            Some(_) => Self::Unusable(reason),
            None => Self::Unavailable(reason),
        }
    }
}

impl From<SetupError> for DatabaseError {
    fn from(error: SetupError) -> Self {
        match error {
            // A certificate may be renewed while everything runs.
            SetupError::Unavailable(reason) | SetupError::Unusable(reason) => Self::Unavailable(reason),
            SetupError::Refused(reason) => Self::Refused(reason),
        }
    }
}
