//! A domain's state folded from its stream, with the commands it remembers.

mod entries;

use std::time::Duration;

use imbl::{HashMap, OrdMap};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared_kernel::{Committed, Decider, DomainEvent, Idempotency, IdempotencyKey, Revision, UndecodableEvent};
use uuid::Uuid;

use crate::event_store::{EventMetadata, Recorded};

/// How long a command with an idempotency key is remembered, in time between events. The public promise is 24 hours;
/// the hour on top covers clocks that differ.
const REMEMBERED_FOR: Duration = Duration::from_secs(25 * 60 * 60);

/// How long what has ended stays in the state, in time between events, unless an operator says otherwise.
pub const FORGET_AFTER: Duration = Duration::from_secs(72 * 60 * 60);

/// How much is forgotten at one event: more than ends with one, so that what has piled up goes bit by bit.
const FORGOTTEN_PER_EVENT: usize = 8;

/// A domain's state at a revision of its stream. Cloning is cheap.
///
/// Its stored form is written and read entry by entry. It is that of [`crate::snapshot`]: what is changed here makes
/// another format there.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Ledger<D: Decider> {
    state: D::State,
    revision: Option<Revision>,
    /// The identifier of the newest event; `None` before the first.
    last_event: Option<Uuid>,
    #[serde(with = "entries")]
    remembered: HashMap<IdempotencyKey, Remembered<D>>,
    #[serde(with = "entries")]
    by_age: OrdMap<(Timestamp, Revision), IdempotencyKey>,
    /// What has ended, by when it did, until it is forgotten.
    #[serde(with = "entries")]
    ended: OrdMap<(Timestamp, Revision), Uuid>,
    #[serde(skip, default = "forget_after")]
    forget_after: Duration,
}

const fn forget_after() -> Duration {
    FORGET_AFTER
}

/// What a command with an idempotency key led to.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Remembered<D: Decider> {
    command_id: Uuid,
    first_revision: Revision,
    subject: D::Subject,
    /// A digest of the request that the key was first used for.
    pub fingerprint: String,
    /// The subject as the command left it.
    pub outcome: D::Outcome,
    /// The command's last event.
    pub revision: Revision,
}

/// An event together with what is folded from its metadata.
pub(crate) struct Fact<'a, E> {
    pub(crate) event: &'a E,
    pub(crate) revision: Revision,
    pub(crate) event_id: Uuid,
    pub(crate) created: Timestamp,
    /// The command that the event comes from, if it had an idempotency key.
    pub(crate) command: Option<KeyedCommand<'a>>,
}

/// A command with an idempotency key.
pub(crate) struct KeyedCommand<'a> {
    pub(crate) id: Uuid,
    pub(crate) idempotency: &'a Idempotency,
}

impl<D: Decider> Ledger<D> {
    /// A ledger of the same settings in which nothing is folded yet.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self::default().forgetting_after(self.forget_after)
    }

    /// The same, in which what has ended is forgotten after this time between events.
    #[must_use]
    pub const fn forgetting_after(mut self, forget_after: Duration) -> Self {
        self.forget_after = forget_after;
        self
    }

    /// The ledger of a snapshot, with the settings of this one; or an empty one if there is none.
    #[must_use]
    pub fn or_from(&self, snapshot: Option<Self>) -> Self {
        snapshot.unwrap_or_default().forgetting_after(self.forget_after)
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> &D::State {
        &self.state
    }

    /// The newest event that is folded in; `None` before the first.
    #[must_use]
    pub const fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// The number and the identifier of the newest event that is folded in.
    pub(crate) fn last_event(&self) -> Option<(Revision, Uuid)> {
        self.revision.zip(self.last_event)
    }

    /// What the command with this key led to, if one is remembered.
    #[must_use]
    pub fn remembered(&self, key: &IdempotencyKey) -> Option<&Remembered<D>> {
        self.remembered.get(key)
    }

    /// The number of the event that comes next.
    #[must_use]
    pub fn next_revision(&self) -> Revision {
        self.revision.map_or(Revision(0), Revision::next)
    }

    /// Folds in a stored event. One that cannot be read moves the revision on and is logged: it changes nothing that
    /// this version of the software knows of, and must not stop what it does know.
    pub fn fold(&mut self, recorded: &Recorded) {
        let Recorded { revision, event_id, created, .. } = *recorded;
        match read::<D::Event>(recorded) {
            Ok((event, metadata)) => {
                let id = metadata.as_ref().and_then(EventMetadata::command_id);
                let idempotency = metadata.as_ref().and_then(EventMetadata::idempotency);
                let command = id.zip(idempotency.as_ref()).map(|(id, idempotency)| KeyedCommand { id, idempotency });
                self.fold_fact(&Fact { event: &event, revision, event_id, created, command });
            }
            Err(reason) => {
                tracing::error!(
                    stream = %recorded.stream, event.revision = %revision, event.id = %event_id, error = reason,
                    "an event in the stream cannot be read; decisions are made without it"
                );
                self.revision = Some(revision);
                self.last_event = Some(event_id);
            }
        }
    }

    pub(crate) fn fold_fact(&mut self, fact: &Fact<'_, D::Event>) {
        D::evolve(&mut self.state, fact.event, fact.revision);
        self.revision = Some(fact.revision);
        self.last_event = Some(fact.event_id);
        if let Some(command) = &fact.command {
            self.remember(fact, command);
        }
        self.forget_before(fact.created);
        self.forget_ended(fact);
    }

    /// Notes what has ended, and forgets what ended long ago. By the times of events: whoever folds the same stream
    /// forgets the same.
    fn forget_ended(&mut self, fact: &Fact<'_, D::Event>) {
        let key = fact.event.key();
        if D::has_ended(&self.state, key) {
            self.ended.insert((fact.created, fact.revision), key);
        }
        let Ok(latest) = fact.created.checked_sub(self.forget_after) else { return };
        for _ in 0..FORGOTTEN_PER_EVENT {
            let Some((&(ended, revision), &key)) = self.ended.get_min().map(|(at, key)| (at, key)) else { return };
            if ended > latest {
                return;
            }
            self.ended.remove(&(ended, revision));
            D::forget(&mut self.state, key);
        }
    }

    fn remember(&mut self, fact: &Fact<'_, D::Event>, command: &KeyedCommand<'_>) {
        let KeyedCommand { id, idempotency } = *command;
        let earlier = self.remembered.get(&idempotency.key);
        let (first_revision, subject) = match earlier {
            Some(earlier) if earlier.command_id == id => (earlier.first_revision, earlier.subject.clone()),
            _ => {
                self.by_age.insert((fact.created, fact.revision), idempotency.key.clone());
                (fact.revision, D::subject_of_event(fact.event))
            }
        };
        let remembered = Remembered {
            command_id: id,
            first_revision,
            outcome: D::outcome(&self.state, &subject),
            subject,
            fingerprint: idempotency.fingerprint.clone(),
            revision: fact.revision,
        };
        self.remembered.insert(idempotency.key.clone(), remembered);
    }

    fn forget_before(&mut self, now: Timestamp) {
        let Ok(oldest) = now.checked_sub(REMEMBERED_FOR) else { return };
        while let Some(((created, revision), key)) = self.by_age.get_min().cloned() {
            if created >= oldest {
                return;
            }
            self.by_age.remove(&(created, revision));
            // A key that was used again since belongs to the newer command.
            if self.remembered.get(&key).is_some_and(|remembered| remembered.first_revision == revision) {
                self.remembered.remove(&key);
            }
        }
    }
}

/// Reads an event, also one with metadata of which only the schema version can be read: what has happened counts,
/// whoever has asked for it. Without a schema version there is no knowing what the data means.
fn read<E: DomainEvent>(recorded: &Recorded) -> Result<(E, Option<EventMetadata>), String> {
    let decode = |version| recorded.decode(version).map_err(|error: UndecodableEvent| error.to_string());
    let unreadable = match recorded.metadata() {
        Ok(metadata) => return Ok((decode(metadata.schema_version())?, Some(metadata))),
        Err(unreadable) => unreadable,
    };
    let event = decode(recorded.schema_version().map_err(|error| error.to_string())?)?;
    tracing::error!(
        stream = %recorded.stream, event.revision = %recorded.revision, event.id = %recorded.event_id,
        error = %unreadable,
        "an event in the stream does not say which command it comes from; a repeated command may be carried out again"
    );
    Ok((event, None))
}

impl<D: Decider> Remembered<D> {
    /// What the command's caller got, for one who repeats it.
    #[must_use]
    pub fn committed(&self) -> Committed<D> {
        Committed { outcome: self.outcome.clone(), revision: Some(self.revision), events: Vec::new() }
    }
}

impl<D: Decider> Default for Ledger<D> {
    fn default() -> Self {
        Self {
            state: D::State::default(),
            revision: None,
            last_event: None,
            remembered: HashMap::new(),
            by_age: OrdMap::new(),
            ended: OrdMap::new(),
            forget_after: FORGET_AFTER,
        }
    }
}

impl<D: Decider> Clone for Ledger<D> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            revision: self.revision,
            last_event: self.last_event,
            remembered: self.remembered.clone(),
            by_age: self.by_age.clone(),
            ended: self.ended.clone(),
            forget_after: self.forget_after,
        }
    }
}

impl<D: Decider> Clone for Remembered<D> {
    fn clone(&self) -> Self {
        Self {
            command_id: self.command_id,
            first_revision: self.first_revision,
            subject: self.subject.clone(),
            fingerprint: self.fingerprint.clone(),
            outcome: self.outcome.clone(),
            revision: self.revision,
        }
    }
}

#[cfg(test)]
mod tests;
