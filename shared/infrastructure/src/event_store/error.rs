use std::fmt;

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
        "the stream {0} was tombstoned: it was deleted for good, and nothing can be appended to it or read from it any \
         more; restore a backup of the event store"
    )]
    StreamDeleted(String),
    /// The stream was deleted in the way that hides its events.
    #[error(
        "the stream {0} was deleted, and its events are hidden ($tb in its metadata); write its metadata without $tb \
         before they are removed, or restore a backup of the event store"
    )]
    StreamHidden(String),
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
    /// To make users and set their passwords.
    ManageUsers,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(stream) => write!(f, "append to {stream}"),
            Self::Read(stream) => write!(f, "read {stream}"),
            Self::ReadAll => f.write_str("read $all"),
            Self::ManageUsers => f.write_str("manage users"),
        }
    }
}

impl StoreError {
    /// Whether the stream was deleted, so that nothing goes on until somebody brings it back.
    pub(crate) const fn is_deletion(&self) -> bool {
        matches!(self, Self::Refused(Refusal::StreamDeleted(_) | Refusal::StreamHidden(_)))
    }

    pub(super) fn timeout(operation: &str, limit: std::time::Duration) -> Self {
        Self::Unavailable(format!("no answer to {operation} within {} ms", limit.as_millis()))
    }
}

impl Right {
    pub(super) fn stream(&self) -> String {
        match self {
            Self::Append(stream) | Self::Read(stream) => stream.clone(),
            Self::ReadAll => "$all".to_owned(),
            Self::ManageUsers => "$users".to_owned(),
        }
    }
}
