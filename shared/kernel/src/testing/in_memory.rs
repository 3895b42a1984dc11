use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::History;

use crate::{
    CommandContext, Committed, Decider, Digest, Execute, ExecuteError, IdempotencyKey, Interruption, Revision,
};

/// An executor whose stream is a list in memory.
pub struct InMemory<D: Decider> {
    inner: Arc<Mutex<Inner<D>>>,
}

struct Inner<D: Decider> {
    history: History<D>,
    remembered: HashMap<IdempotencyKey, (String, Committed<D>)>,
}

impl<D: Decider> InMemory<D> {
    /// An executor of a stream with these events.
    pub fn with(events: impl IntoIterator<Item = D::Event>) -> Self {
        let mut history = History::default();
        history.append(events);
        Self { inner: Arc::new(Mutex::new(Inner { history, remembered: HashMap::new() })) }
    }

    /// Everything in the stream.
    #[must_use]
    pub fn events(&self) -> Vec<D::Event> {
        self.lock(|inner| inner.history.events.clone())
    }

    /// Appends an event, as another writer would.
    pub fn append(&self, event: D::Event) {
        self.lock(|inner| inner.history.append([event]));
    }

    /// Forgets what has ended about this key, as time does.
    pub fn forget(&self, key: Uuid) {
        self.lock(|inner| D::forget(&mut inner.history.state, key));
    }

    fn lock<T>(&self, act: impl FnOnce(&mut Inner<D>) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<D: Decider> Inner<D> {
    fn execute(
        &mut self,
        command: &D::Command,
        context: CommandContext,
    ) -> Result<Committed<D>, ExecuteError<D::Rejection>> {
        if let Some(idempotency) = &context.idempotency
            && let Some((fingerprint, committed)) = self.remembered.get(&idempotency.key)
        {
            let same = idempotency.is_recorded_as(Digest::of(fingerprint));
            return if same { Ok(repeated(committed)) } else { Err(ExecuteError::KeyReused) };
        }
        let before = self.history.revision();
        let decided = self.history.run(command);
        let mut events = decided.map_err(|rejection| ExecuteError::Rejected { rejection, revision: before })?;
        if events.is_empty() && context.idempotency.is_some() {
            events = D::restate(&self.history.state, command);
            self.history.append(events.iter().cloned());
        }
        let outcome = D::outcome(&self.history.state, &D::subject(command));
        let committed = Committed { outcome, revision: self.history.revision(), events };
        if let Some(idempotency) = context.idempotency.filter(|_| !committed.events.is_empty()) {
            self.remembered.insert(idempotency.key, (idempotency.fingerprint, repeated(&committed)));
        }
        Ok(committed)
    }
}

fn repeated<D: Decider>(committed: &Committed<D>) -> Committed<D> {
    Committed { outcome: committed.outcome.clone(), revision: committed.revision, events: Vec::new() }
}

impl<D: Decider> Execute<D> for InMemory<D> {
    async fn execute(
        &self,
        command: D::Command,
        context: CommandContext,
    ) -> Result<Committed<D>, ExecuteError<D::Rejection>> {
        self.lock(|inner| inner.execute(&command, context))
    }

    fn inspect<T>(&self, look: impl FnOnce(&D::State) -> T) -> T {
        self.lock(|inner| look(&inner.history.state))
    }

    async fn inspect_fresh<T: Send>(
        &self,
        look: impl FnOnce(&D::State) -> T + Send,
    ) -> Result<(T, Option<Revision>), ExecuteError<D::Rejection>> {
        Ok(self.lock(|inner| (look(&inner.history.state), inner.history.revision())))
    }

    fn readable(&self, _: Uuid) -> Result<(), Interruption> {
        Ok(())
    }

    fn remembered(&self, key: &IdempotencyKey) -> Option<(Digest, Committed<D>)> {
        self.lock(|inner| {
            inner.remembered.get(key).map(|(fingerprint, committed)| (Digest::of(fingerprint), repeated(committed)))
        })
    }
}

impl<D: Decider> Clone for InMemory<D> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}
