use jsonrpsee::core::ClientError;
use jsonrpsee::http_client::transport::Error as TransportError;
use jsonrpsee::types::ErrorObjectOwned;
use shared_kernel::Interruption;

/// Why a call to another domain failed for a reason that no rule of it gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing was done; asking again later may succeed.
    #[error("the {service} is not available: {reason}")]
    Unavailable {
        /// The service that was asked.
        service: String,
        /// What failed, for operators.
        reason: String,
    },
    /// It may have been done or not; asking again with the same arguments is safe.
    #[error("the outcome at the {service} is unknown: {reason}")]
    OutcomeUnknown {
        /// The service that was asked.
        service: String,
        /// What failed, for operators.
        reason: String,
    },
    /// The other side is there and has failed at it. It may have been done or not; asking again may succeed.
    #[error("the {service} has failed: {reason}")]
    Internal {
        /// The service that was asked.
        service: String,
        /// What failed, for operators.
        reason: String,
    },
    /// The other side did not understand the call. Asking again changes nothing.
    #[error("the {service} refused the call as invalid: {reason}")]
    Invalid {
        /// The service that was asked.
        service: String,
        /// What failed, for operators.
        reason: String,
    },
}

/// JSON-RPC error codes of this protocol, from the range that JSON-RPC 2.0 leaves to servers.
pub(crate) mod code {
    pub(crate) const UNAVAILABLE: i32 = -32001;
    pub(crate) const OUTCOME_UNKNOWN: i32 = -32002;
    pub(super) const LAST_RESERVED: i32 = -32700;
    pub(crate) const INTERNAL: i32 = -32603;
    pub(super) const INVALID_REQUEST: i32 = -32600;
}

impl Fault {
    /// A server's answer to a call that it could not carry out.
    #[must_use]
    pub fn answer(interruption: &Interruption) -> ErrorObjectOwned {
        let code = match interruption {
            Interruption::Overloaded | Interruption::Unavailable(_) | Interruption::Refused(_) => code::UNAVAILABLE,
            Interruption::OutcomeUnknown(_) => code::OUTCOME_UNKNOWN,
            Interruption::Internal(_) => code::INTERNAL,
        };
        ErrorObjectOwned::owned(code, interruption.to_string(), None::<()>)
    }

    /// A client's reading of a failed call to `service`.
    #[must_use]
    pub fn of_call(service: &str, error: &ClientError) -> Self {
        let (service, reason) = (service.to_owned(), error.to_string());
        match error {
            ClientError::Call(object) => match object.code() {
                code::UNAVAILABLE => Self::Unavailable { service, reason: object.message().to_owned() },
                code::OUTCOME_UNKNOWN => Self::OutcomeUnknown { service, reason: object.message().to_owned() },
                code::INTERNAL => Self::Internal { service, reason: object.message().to_owned() },
                code::LAST_RESERVED..=code::INVALID_REQUEST => Self::Invalid { service, reason },
                // A code that is not known here does not say that nothing was done.
                _ => Self::OutcomeUnknown { service, reason },
            },
            ClientError::Transport(cause) if is_refused_connection(&**cause) => Self::Unavailable { service, reason },
            ClientError::Transport(cause) if is_refused_credential(&**cause) => {
                let reason = "it does not accept the service token; set the same --service-token-file for both";
                Self::Unavailable { service, reason: reason.to_owned() }
            }
            ClientError::Transport(cause) => match distrust(&**cause) {
                Some(why) => Self::Unavailable { service, reason: format!("it has not proved who it is: {why}") },
                // A connection that broke later may have carried the call.
                None => Self::OutcomeUnknown { service, reason },
            },
            // So may one whose answer cannot be read.
            _ => Self::OutcomeUnknown { service, reason },
        }
    }

    /// The same fault of a call that was made before, in an attempt whose outcome is unknown: whatever has become of
    /// the last attempt, that one may have been carried out.
    #[must_use]
    pub fn after_an_unknown_outcome(self) -> Self {
        match self {
            Self::Unavailable { service, reason } | Self::Invalid { service, reason } => {
                Self::OutcomeUnknown { service, reason }
            }
            other => other,
        }
    }
}

/// Whether there never was a connection.
fn is_refused_connection(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, NotFound};
    let unreachable = [AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, NotFound];
    std::iter::successors(Some(error), |cause| (*cause).source())
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| unreachable.contains(&cause.kind()))
}

/// Why what answers has not proved to be the service, so that it was told nothing. `None` if it is not that.
fn distrust<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let causes = std::iter::successors(Some(error), |cause| {
        // Such an error passes over what is in it, in its source.
        match cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => cause.source(),
        }
    });
    let mut of_tls = causes.filter_map(|cause| cause.downcast_ref());
    of_tls.find(|cause| matches!(cause, rustls::Error::InvalidCertificate(_)))
}

/// Whether the service does not know who calls.
fn is_refused_credential(error: &(dyn std::error::Error + 'static)) -> bool {
    const UNAUTHORIZED: u16 = 401;
    matches!(error.downcast_ref(), Some(TransportError::Rejected { status_code: UNAUTHORIZED }))
}

impl From<Fault> for Interruption {
    fn from(fault: Fault) -> Self {
        let reason = fault.to_string();
        match fault {
            Fault::Unavailable { .. } => Self::Unavailable(reason),
            Fault::OutcomeUnknown { .. } | Fault::Internal { .. } => Self::OutcomeUnknown(reason),
            Fault::Invalid { .. } => Self::Internal(reason),
        }
    }
}
