use std::sync::Arc;

use arc_swap::ArcSwap;
use shared_kernel::{
    CommandContext, Committed, Decider, Digest, Execute, ExecuteError, IdempotencyKey, Interruption, Revision,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use uuid::Uuid;

use super::Connection;
use super::batch::{Request, unreadable};
use super::meters::Outcomes;
use crate::event_store::{Refusal, StoreError};
use crate::ledger::Ledger;
use crate::limits;

/// Gives commands to an executor, and shows the state it decides on.
pub struct ExecutorHandle<D: Decider> {
    requests: mpsc::Sender<Request<D>>,
    published: Arc<ArcSwap<Ledger<D>>>,
    connection: watch::Receiver<Connection>,
    other_history: watch::Receiver<Option<Refusal>>,
    outcomes: Arc<Outcomes>,
}

impl<D: Decider> ExecutorHandle<D> {
    pub(super) fn new(
        stream: &str,
        requests: mpsc::Sender<Request<D>>,
        published: Arc<ArcSwap<Ledger<D>>>,
        connection: watch::Receiver<Connection>,
        other_history: watch::Receiver<Option<Refusal>>,
    ) -> Self {
        Self { requests, published, connection, other_history, outcomes: Arc::new(Outcomes::of(stream)) }
    }

    /// The newest state this process knows. Another replica may have appended since.
    #[must_use]
    pub fn current(&self) -> Arc<Ledger<D>> {
        self.published.load_full()
    }

    /// Why commands are not being taken, if they are not.
    #[must_use]
    pub fn outage(&self) -> Option<StoreError> {
        self.connection.borrow().clone().err()
    }

    /// What was different when the event store was found to hold another history than before, if it ever was since this
    /// process began: the state was thrown away then, and folded anew.
    #[must_use]
    pub fn other_history(&self) -> Option<Refusal> {
        self.other_history.borrow().clone()
    }

    async fn carry_out(
        &self,
        command: D::Command,
        context: CommandContext,
    ) -> Result<Committed<D>, ExecuteError<D::Rejection>> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Command { command, context, reply, parent: shared_trace::current() })?;
        match timeout(limits::EXECUTOR_ANSWER, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => {
                Err(Interruption::OutcomeUnknown("the executor did not answer in time".to_owned()).into())
            }
        }
    }

    fn send(&self, request: Request<D>) -> Result<(), Interruption> {
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Interruption::Overloaded,
            mpsc::error::TrySendError::Closed(_) => Interruption::Unavailable("the service is stopping".to_owned()),
        })
    }
}

impl<D: Decider> Execute<D> for ExecutorHandle<D> {
    async fn execute(
        &self,
        command: D::Command,
        context: CommandContext,
    ) -> Result<Committed<D>, ExecuteError<D::Rejection>> {
        let outcome = self.carry_out(command, context).await;
        self.outcomes.count::<D>(&outcome);
        outcome
    }

    fn inspect<T>(&self, look: impl FnOnce(&D::State) -> T) -> T {
        look(self.published.load().state())
    }

    async fn inspect_fresh<T: Send>(
        &self,
        look: impl FnOnce(&D::State) -> T + Send,
    ) -> Result<(T, Option<Revision>), ExecuteError<D::Rejection>> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Barrier { reply })?;
        match timeout(limits::EXECUTOR_ANSWER, answer).await {
            Ok(Ok(answer)) => {
                answer?;
                let ledger = self.published.load_full();
                Ok((look(ledger.state()), ledger.revision()))
            }
            Ok(Err(_)) | Err(_) => {
                Err(Interruption::Unavailable("the executor did not answer in time".to_owned()).into())
            }
        }
    }

    fn readable(&self, thing: Uuid) -> Result<(), Interruption> {
        if self.published.load().is_readable(&thing) { Ok(()) } else { Err(unreadable()) }
    }

    fn remembered(&self, key: &IdempotencyKey) -> Option<(Digest, Committed<D>)> {
        let ledger = self.published.load();
        ledger.remembered(key).map(|remembered| (remembered.fingerprint, remembered.committed()))
    }
}

impl<D: Decider> Clone for ExecutorHandle<D> {
    fn clone(&self) -> Self {
        Self {
            requests: self.requests.clone(),
            published: Arc::clone(&self.published),
            connection: self.connection.clone(),
            other_history: self.other_history.clone(),
            outcomes: Arc::clone(&self.outcomes),
        }
    }
}
