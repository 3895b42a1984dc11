use std::time::Duration;

use std::future::Future;

use uuid::Uuid;

use crate::{CommandContext, Decider, Digest, IdempotencyKey, Position, Revision};

/// Executes the commands of one domain on what its stream says.
pub trait Execute<D: Decider>: Send + Sync {
    /// Decides a command and appends its events.
    ///
    /// # Errors
    /// [`ExecuteError`]; each variant says whether something may have happened.
    fn execute(
        &self,
        command: D::Command,
        context: CommandContext,
    ) -> impl Future<Output = Result<Committed<D>, ExecuteError<D::Rejection>>> + Send;

    /// Looks at the newest state that this process knows, which other writers may have moved on from.
    fn inspect<T>(&self, look: impl FnOnce(&D::State) -> T) -> T;

    /// Looks at a state that covers everything appended before this call, and says which revision it is.
    ///
    /// # Errors
    /// [`ExecuteError::Interrupted`].
    fn inspect_fresh<T: Send>(
        &self,
        look: impl FnOnce(&D::State) -> T + Send,
    ) -> impl Future<Output = Result<(T, Option<Revision>), ExecuteError<D::Rejection>>> + Send;

    /// Whether this process can read every event about something, as far as it knows. What it has to say about it
    /// means nothing if it cannot.
    ///
    /// # Errors
    /// [`Interruption::Unavailable`] if it cannot.
    fn readable(&self, thing: Uuid) -> Result<(), Interruption>;

    /// What is left of the fingerprint, and the outcome, of the command with this key, if this process remembers one.
    fn remembered(&self, key: &IdempotencyKey) -> Option<(Digest, Committed<D>)>;
}

/// What an executed command led to.
#[derive(Debug, Clone)]
pub struct Committed<D: Decider> {
    /// The command's subject as the command left it.
    pub outcome: D::Outcome,
    /// The newest event that a reader has to have seen to see it; `None` only in an empty stream.
    pub revision: Option<Revision>,
    /// The events that this call appended. Empty if nothing had to happen, or had happened before.
    pub events: Vec<D::Event>,
}

/// What an executed command left, as its caller sees it, and where its events are in the streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed<T> {
    /// What it left.
    pub value: T,
    /// What a query has to cover to show it.
    pub position: Position,
}

/// Why a command was not executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError<R> {
    /// A rule forbids it, as of `revision`. Nothing has happened.
    #[error("the command was rejected")]
    Rejected {
        /// The rule's own answer.
        #[source]
        rejection: R,
        /// The newest event that was taken into account.
        revision: Option<Revision>,
    },
    /// The idempotency key was used for another request before. Nothing has happened.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// It was not carried out as it should have been.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

/// How long an answer waits for what its command means for the other domain. The reaction guarantees that; carrying it
/// out at once only lets the answer cover it.
pub const AT_ONCE_LIMIT: Duration = Duration::from_millis(1_500);

/// How long a command may take to be decided, with the time in which it waits for its turn.
pub const DECISION_LIMIT: Duration = Duration::from_secs(5);

/// What kept a command or a query from being carried out, other than a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Interruption {
    /// Too many commands are waiting. Nothing has happened.
    #[error("too many commands are waiting")]
    Overloaded,
    /// Something that is needed is away. What was asked for has not happened.
    #[error("{0}")]
    Unavailable(String),
    /// Something that is needed refuses, and will until somebody mends it. What was asked for has not happened.
    #[error("{0}")]
    Refused(String),
    /// It may have happened or not. Repeating it with the same idempotency key is safe.
    #[error("{0}")]
    OutcomeUnknown(String),
    /// A fault of this software. Nothing has happened.
    #[error("{0}")]
    Internal(String),
}

impl<R> From<ExecuteError<R>> for Interruption {
    /// What is left of an error where no rule can have said no, and there is no key.
    fn from(error: ExecuteError<R>) -> Self {
        match error {
            ExecuteError::Interrupted(interruption) => interruption,
            ExecuteError::Rejected { .. } | ExecuteError::KeyReused => {
                Self::Internal("a command was refused that no rule can refuse".to_owned())
            }
        }
    }
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The read model has not reached what the caller has seen.
    #[error("the read model is not there yet")]
    NotYet,
    /// What the caller has seen of this thing could not be projected, and waits until somebody replays or discards it.
    #[error("event {revision} of {stream} is parked")]
    Parked {
        /// The stream.
        stream: &'static str,
        /// The number of the event there.
        revision: Revision,
    },
    /// The read model was of another history than the event store's, and is made anew.
    #[error("the read model was of another history, and is made anew")]
    OtherHistory,
    /// It could not be carried out.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}
