use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use shared_kernel::{CommandContext, Decider, Revision};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::batch::Request;
use crate::ledger::Ledger;

/// How long a caller waits at most: the batch before its own, its own, and slack.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Gives commands to an executor, and shows the state it decides on.
pub struct ExecutorHandle<D: Decider> {
    requests: mpsc::Sender<Request<D>>,
    published: Arc<ArcSwap<Ledger<D>>>,
    connected: watch::Receiver<bool>,
}

/// What an executed command led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<O> {
    /// The command's subject as the command left it.
    pub outcome: O,
    /// The newest event that a reader has to have seen to see it; `None` only in an empty stream.
    pub revision: Option<Revision>,
    /// Whether this is the remembered outcome of an earlier command with the same idempotency key.
    pub replayed: bool,
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
    /// Too many commands are waiting. Nothing has happened.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The event store cannot be reached. Nothing has happened.
    #[error("{0}")]
    Unavailable(String),
    /// It may have happened or not. Repeating it with the same idempotency key is safe.
    #[error("the outcome is unknown: {0}")]
    OutcomeUnknown(String),
    /// An event could not be written as JSON. Nothing has happened.
    #[error("{0}")]
    Internal(String),
}

impl<D: Decider> ExecutorHandle<D> {
    pub(super) fn new(
        requests: mpsc::Sender<Request<D>>,
        published: Arc<ArcSwap<Ledger<D>>>,
        connected: watch::Receiver<bool>,
    ) -> Self {
        Self { requests, published, connected }
    }

    /// Executes a command.
    ///
    /// # Errors
    /// [`ExecuteError`]; each variant says whether something may have happened.
    pub async fn execute(
        &self,
        command: D::Command,
        context: CommandContext,
    ) -> Result<Committed<D::Outcome>, ExecuteError<D::Rejection>> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Command { command, context, reply })?;
        match timeout(ANSWER_LIMIT, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(ExecuteError::OutcomeUnknown("the executor did not answer in time".to_owned())),
        }
    }

    /// The state as of some moment after this call: another replica's appends before it are included.
    ///
    /// # Errors
    /// [`ExecuteError::Unavailable`] or [`ExecuteError::Overloaded`].
    pub async fn fresh(&self) -> Result<Arc<Ledger<D>>, ExecuteError<D::Rejection>> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Barrier { reply })?;
        match timeout(ANSWER_LIMIT, answer).await {
            Ok(Ok(answer)) => answer.map(|()| self.current()),
            Ok(Err(_)) | Err(_) => Err(ExecuteError::Unavailable("the executor did not answer in time".to_owned())),
        }
    }

    /// The newest state this process knows. Another replica may have appended since.
    #[must_use]
    pub fn current(&self) -> Arc<Ledger<D>> {
        self.published.load_full()
    }

    /// Whether commands are being taken.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        *self.connected.borrow()
    }

    fn send(&self, request: Request<D>) -> Result<(), ExecuteError<D::Rejection>> {
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ExecuteError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => ExecuteError::Unavailable("the service is stopping".to_owned()),
        })
    }
}

impl<D: Decider> Clone for ExecutorHandle<D> {
    fn clone(&self) -> Self {
        Self {
            requests: self.requests.clone(),
            published: Arc::clone(&self.published),
            connected: self.connected.clone(),
        }
    }
}
