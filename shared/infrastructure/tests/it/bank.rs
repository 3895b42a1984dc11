//! Executors of the accounts' stream, as replicas of one service.

use std::collections::HashMap;
use std::time::Duration;

use jetbridge_testing::{TestEventStore, TestProxy, eventually};
use shared_infrastructure::event_store::{EventStore, Recorded};
use shared_infrastructure::executor::{Executor, ExecutorHandle, ExecutorSettings};
use shared_infrastructure::ledger::Ledger;
use shared_kernel::{Cause, CommandContext, Committed, Execute, ExecuteError, Idempotency, IdempotencyKey};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::accounts::{Accounts, Command, STREAM, Short};
use crate::events::{decoded, folded, recorded};

/// Far more than anything here takes, also on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) type Answer = Result<Committed<Accounts>, ExecuteError<Short>>;

/// An executor that runs until it is dropped.
pub(crate) struct Replica {
    pub(crate) handle: ExecutorHandle<Accounts>,
    running: JoinHandle<()>,
    shutdown: DropGuard,
}

impl Replica {
    /// One that takes commands.
    pub(crate) async fn start(store: &TestEventStore) -> Self {
        Self::start_at(store.connection_string()).await
    }

    /// One that takes commands, through this address.
    pub(crate) async fn start_at(address: &str) -> Self {
        let replica = Self::start_disconnected(address);
        replica.connected().await;
        replica
    }

    /// One that takes commands through a proxy in front of an event store.
    pub(crate) async fn behind_proxy() -> (TestEventStore, TestProxy, Self) {
        let store = TestEventStore::start().await;
        let proxy = TestProxy::start(store.address()).await;
        let replica = Self::start_at(&proxy.connection_string()).await;
        (store, proxy, replica)
    }

    /// One that may not have found its event store yet.
    pub(crate) fn start_disconnected(address: &str) -> Self {
        Self::start_observed(address).0
    }

    /// The same, and the connection that its own were separated from.
    pub(crate) fn start_observed(address: &str) -> (Self, EventStore) {
        let event_store = EventStore::new(address).unwrap();
        let (executor, handle) = Executor::new(STREAM, &event_store, Ledger::default(), ExecutorSettings::default());
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(executor.run(shutdown.clone()));
        (Self { handle, running, shutdown: shutdown.drop_guard() }, event_store)
    }

    pub(crate) async fn connected(&self) {
        eventually("the executor takes commands", LIMIT, async || self.handle.outage().map_or(Ok(()), Err)).await;
    }

    pub(crate) async fn execute(&self, command: Command) -> Answer {
        self.handle.execute(command, context()).await
    }

    pub(crate) async fn execute_with_key(&self, command: Command, key: &str, fingerprint: &str) -> Answer {
        self.handle.execute(command, keyed(key, fingerprint)).await
    }

    pub(crate) async fn stop(self) {
        drop(self.shutdown);
        tokio::time::timeout(LIMIT, self.running).await.expect("the executor stops").unwrap();
    }
}

pub(crate) fn context() -> CommandContext {
    let cause = Cause {
        correlation_id: "a test".to_owned(),
        causation_id: None,
        actor: "a test".to_owned(),
        subject: None,
        trace_parent: None,
        step_of: None,
    };
    CommandContext::caused_by(Uuid::now_v7(), cause)
}

pub(crate) fn keyed(key: &str, fingerprint: &str) -> CommandContext {
    let key = IdempotencyKey::new(key).unwrap();
    CommandContext { idempotency: Some(Idempotency::new(key, fingerprint.to_owned())), ..context() }
}

pub(crate) fn is_rejected(answer: &Answer) -> bool {
    matches!(answer, Err(ExecuteError::Rejected { .. }))
}

/// What a command with this id got.
pub(crate) type Answers = HashMap<Uuid, Answer>;

/// Asserts that the stream holds the events of the acknowledged commands, each once and where it was acknowledged,
/// nothing else, and that no balance was ever negative. Gives the stream.
pub(crate) async fn assert_holds_what_was_answered(store: &TestEventStore, answers: &Answers) -> Vec<Recorded> {
    let stream = recorded(store).await;
    let balances = folded(&stream);
    let mut unclaimed: HashMap<Uuid, Vec<&Recorded>> = HashMap::new();
    for event in &stream {
        unclaimed.entry(event.metadata().unwrap().command_id().unwrap()).or_default().push(event);
    }
    for (command, answer) in answers {
        let events = unclaimed.remove(command).unwrap_or_default();
        let Ok(committed) = answer else {
            assert!(events.is_empty(), "{answer:?}, but its events are in the stream");
            continue;
        };
        let stored: Vec<_> = events.iter().map(|event| decoded(event).0).collect();
        assert_eq!(stored, committed.events);
        if let Some(last) = events.last() {
            assert_eq!(committed.revision, Some(last.revision));
            let balance = balances[usize::try_from(last.revision.0).unwrap()].of(decoded(last).0.account());
            assert_eq!(committed.outcome, balance);
        }
    }
    assert!(unclaimed.is_empty(), "events that nobody was told of: {unclaimed:?}");
    let overdrawn = balances.iter().position(|balances| balances.lowest() < 0);
    assert_eq!(overdrawn, None, "overdrawn at this event");
    stream
}
