use std::fmt;

/// `INVALID_ARGUMENT`, as a number: the library's version of `tonic` is not this crate's.
const GRPC_INVALID_ARGUMENT: i32 = 3;

/// Why the event store could not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, does not answer, or is not ready. Asking again later may succeed.
    #[error("the event store is not available: {0}")]
    Unavailable(String),
    /// It says no, and will say so until somebody changes something.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What the event store says no to. Nothing was written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The user has not the right, or the event store does not know the user or the password.
    #[error("the event store does not let this user {0}, or does not know the user or the password")]
    AccessDenied(Right),
    /// The stream was deleted for good.
    #[error(
        "the stream {0} was deleted for good (a tombstone); nothing can be appended to it or read from it any more"
    )]
    StreamDeleted(String),
    /// Nothing begins at the position: it is of another event store, or of one that was restored.
    #[error("the event store has no event at the position that was reached before, so it holds another history")]
    NoSuchPosition,
    /// What was read before is not there any more.
    #[error("the event store holds another history of {stream} than the one read before: {difference}")]
    OtherHistory {
        /// The stream.
        stream: String,
        /// What is different.
        difference: String,
    },
    /// Events of the stream are hidden or gone.
    #[error(
        "{stream} does not show its events from {from} to {to}: it was deleted, or its metadata hides events ($maxAge, $maxCount \
         or $tb)"
    )]
    EventsHidden {
        /// The stream.
        stream: String,
        /// The first that is missing.
        from: u64,
        /// The last that is missing.
        to: u64,
    },
    /// More than the event store takes at once.
    #[error("the event store does not take this many bytes at once; its limit is {0}")]
    TooLarge(String),
    /// Anything else.
    #[error("the event store refused the request: {0}")]
    Other(String),
}

/// What a user may have to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// To append to a stream.
    Append(String),
    /// To read a stream.
    Read(String),
    /// To read the log of all streams.
    ReadAll,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(stream) => write!(f, "append to {stream}"),
            Self::Read(stream) => write!(f, "read {stream}"),
            Self::ReadAll => f.write_str("read $all"),
        }
    }
}

/// How the event store refuses a position in the log of all streams. Reads and subscriptions use words of their own.
const NO_SUCH_POSITION: [&str; 2] = ["InvalidPosition", "Trying to read from an invalid position"];

impl StoreError {
    pub(super) fn timeout(operation: &str, limit: std::time::Duration) -> Self {
        Self::Unavailable(format!("no answer to {operation} within {} ms", limit.as_millis()))
    }

    /// What a failure of the library means for a request that needs `right`.
    pub(super) fn of_library(error: eventstore::Error, right: Right) -> Self {
        use eventstore::Error;
        let message = match &error {
            Error::ServerError(message) | Error::Grpc { message, .. } => message.as_str(),
            _ => "",
        };
        if NO_SUCH_POSITION.iter().any(|words| message.contains(words)) {
            return Refusal::NoSuchPosition.into();
        }
        match error {
            Error::AccessDenied => Refusal::AccessDenied(right).into(),
            Error::ResourceDeleted => Refusal::StreamDeleted(right.stream()).into(),
            Error::UnsupportedFeature | Error::ResourceAlreadyExists | Error::InternalParsingError(_) => {
                Refusal::Other(error.to_string()).into()
            }
            Error::Grpc { code, message } if i32::from(code) == GRPC_INVALID_ARGUMENT => Refusal::Other(message).into(),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl Right {
    fn stream(&self) -> String {
        match self {
            Self::Append(stream) | Self::Read(stream) => stream.clone(),
            Self::ReadAll => "$all".to_owned(),
        }
    }
}
