//! A domain's state folded from its stream, with the commands it remembers.

mod entries;

use std::time::Duration;

use imbl::{OrdMap, OrdSet};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared_kernel::{Committed, Decider, Digest, DomainEvent, Idempotency, IdempotencyKey, Revision, UndecodableEvent};
use uuid::Uuid;

use crate::event_store::{EventMetadata, Recorded, UnreadableMetadata};

/// How long a command with an idempotency key is remembered, in time between events. The public promise is 24 hours;
/// the hour on top covers clocks that differ.
const REMEMBERED_FOR: Duration = Duration::from_secs(25 * 60 * 60);

/// How long what has ended stays in the state, in time between events, unless an operator says otherwise.
pub const FORGET_AFTER: Duration = Duration::from_secs(72 * 60 * 60);

/// How much is forgotten at one event: more than ends with one, so that what has piled up goes bit by bit.
const FORGOTTEN_PER_EVENT: usize = 8;

/// Stands for the time of an event that is not known yet, because this process has appended it and not read it back.
/// Only the event store's time counts: the clock of this machine may be days away from those of the other replicas.
const UNDATED: Timestamp = Timestamp::MAX;

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
    /// By the digests of their keys, which take far less than keys may.
    #[serde(with = "entries")]
    remembered: OrdMap<Digest, Remembered<D>>,
    #[serde(with = "entries")]
    by_age: OrdMap<(Timestamp, Revision), Digest>,
    /// What has ended, by when it did, until it is forgotten.
    #[serde(with = "entries")]
    ended: OrdMap<(Timestamp, Revision), Uuid>,
    /// What events are about that cannot be read.
    unreadable: OrdSet<Uuid>,
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
    /// What is left of the fingerprint of the request that the key was first used for.
    pub fingerprint: Digest,
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
    /// When the event store took it in, if that is known yet.
    pub(crate) created: Option<Timestamp>,
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
        self.remembered.get(&Digest::of(key.as_str()))
    }

    /// Whether nothing is missing of what has happened to something.
    pub(crate) fn is_readable(&self, thing: &Uuid) -> bool {
        !self.unreadable.contains(thing)
    }

    /// How many commands it remembers of which it does not know how old they are.
    pub(crate) fn undated(&self) -> usize {
        self.by_age.range((UNDATED, Revision(0))..).count()
    }

    /// The number of the event that comes next.
    #[must_use]
    pub fn next_revision(&self) -> Revision {
        self.revision.map_or(Revision(0), Revision::next)
    }

    /// Folds in a stored event. One that cannot be read moves the revision on and is logged. If another version of the
    /// software can, nothing is decided here any more about what it names: something has happened to that which is not
    /// known here. What nobody can read must not stop what is known.
    pub fn fold(&mut self, recorded: &Recorded) {
        let Recorded { revision, event_id, created, .. } = *recorded;
        self.date(revision, created);
        match read::<D::Event>(recorded) {
            Ok((event, metadata)) => {
                let id = metadata.as_ref().and_then(EventMetadata::command_id);
                let idempotency = metadata.as_ref().and_then(EventMetadata::idempotency);
                let command = id.zip(idempotency.as_ref()).map(|(id, idempotency)| KeyedCommand { id, idempotency });
                self.fold_fact(&Fact { event: &event, revision, event_id, created: Some(created), command });
            }
            Err(unreadable) => {
                self.set_aside(recorded, &unreadable);
                self.revision = Some(revision);
                self.last_event = Some(event_id);
            }
        }
    }

    fn set_aside(&mut self, recorded: &Recorded, unreadable: &Unreadable) {
        let Recorded { stream, revision, event_id, .. } = recorded;
        let error = &unreadable.reason;
        if unreadable.is_known_elsewhere {
            let things = things_named_in(&recorded.data);
            tracing::error!(
                %stream, event.revision = %revision, event.id = %event_id, %error, refused = ?things,
                "another version of the software has appended an event; commands about what it names are refused"
            );
            self.unreadable.extend(things);
        } else {
            tracing::error!(
                %stream, event.revision = %revision, event.id = %event_id, %error,
                "an event in the stream cannot be read; decisions are made without it"
            );
        }
    }

    pub(crate) fn fold_fact(&mut self, fact: &Fact<'_, D::Event>) {
        D::evolve(&mut self.state, fact.event, fact.revision);
        self.revision = Some(fact.revision);
        self.last_event = Some(fact.event_id);
        if let Some(command) = &fact.command {
            self.remember(fact, command);
        }
        if D::has_ended(&self.state, fact.event.key()) {
            self.ended.insert((fact.created.unwrap_or(UNDATED), fact.revision), fact.event.key());
        }
        if let Some(created) = fact.created {
            self.forget(created);
        }
    }

    /// Notes when the event store took in an event, which is not older than those before it.
    pub(crate) fn date(&mut self, revision: Revision, created: Timestamp) {
        date(&mut self.by_age, revision, created);
        date(&mut self.ended, revision, created);
        self.forget(created);
    }

    fn forget(&mut self, now: Timestamp) {
        self.forget_before(now);
        self.forget_ended(now);
    }

    /// Lets the state forget what ended long ago.
    fn forget_ended(&mut self, now: Timestamp) {
        let Ok(latest) = now.checked_sub(self.forget_after) else { return };
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
        let key = Digest::of(idempotency.key.as_str());
        let earlier = self.remembered.get(&key);
        let (first_revision, subject) = match earlier {
            Some(earlier) if earlier.command_id == id => (earlier.first_revision, earlier.subject.clone()),
            _ => {
                let created = fact.created.unwrap_or(UNDATED);
                self.by_age.insert((created, fact.revision), key);
                (fact.revision, D::subject_of_event(fact.event))
            }
        };
        let remembered = Remembered {
            command_id: id,
            first_revision,
            outcome: D::outcome(&self.state, &subject),
            subject,
            fingerprint: Digest::of(&idempotency.fingerprint),
            revision: fact.revision,
        };
        self.remembered.insert(key, remembered);
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

/// Notes when what happened up to an event happened, where that was not known yet.
fn date<T: Clone>(by_time: &mut OrdMap<(Timestamp, Revision), T>, revision: Revision, created: Timestamp) {
    let undated = by_time.range((UNDATED, Revision(0))..=(UNDATED, revision));
    let undated: Vec<_> = undated.map(|(&at, what)| (at, what.clone())).collect();
    for (at, what) in undated {
        by_time.remove(&at);
        by_time.insert((created, at.1), what);
    }
}

/// What an event of any form is about: the identifiers in its data.
fn things_named_in(data: &[u8]) -> Vec<Uuid> {
    let fields: Map<String, Value> = serde_json::from_slice(data).unwrap_or_default();
    fields.values().filter_map(|value| value.as_str()?.parse().ok()).collect()
}

/// Why an event cannot be read.
struct Unreadable {
    reason: String,
    /// Another version of the software has written it.
    is_known_elsewhere: bool,
}

impl From<UndecodableEvent> for Unreadable {
    fn from(error: UndecodableEvent) -> Self {
        let is_known_elsewhere = match error {
            UndecodableEvent::UnknownType(_) | UndecodableEvent::UnknownVersion { .. } => true,
            UndecodableEvent::Malformed { .. } => false,
        };
        Self { reason: error.to_string(), is_known_elsewhere }
    }
}

impl From<UnreadableMetadata> for Unreadable {
    fn from(error: UnreadableMetadata) -> Self {
        Self { reason: error.to_string(), is_known_elsewhere: false }
    }
}

/// Reads an event, also one with metadata of which only the schema version can be read: what has happened counts,
/// whoever has asked for it. Without a schema version there is no knowing what the data means.
fn read<E: DomainEvent>(recorded: &Recorded) -> Result<(E, Option<EventMetadata>), Unreadable> {
    let unreadable = match recorded.metadata() {
        Ok(metadata) => return Ok((recorded.decode(metadata.schema_version())?, Some(metadata))),
        Err(unreadable) => unreadable,
    };
    let event = recorded.decode(recorded.schema_version()?)?;
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
            remembered: OrdMap::new(),
            by_age: OrdMap::new(),
            ended: OrdMap::new(),
            forget_after: FORGET_AFTER,
            unreadable: OrdSet::new(),
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
            unreadable: self.unreadable.clone(),
        }
    }
}

impl<D: Decider> Clone for Remembered<D> {
    fn clone(&self) -> Self {
        Self {
            command_id: self.command_id,
            first_revision: self.first_revision,
            subject: self.subject.clone(),
            fingerprint: self.fingerprint,
            outcome: self.outcome.clone(),
            revision: self.revision,
        }
    }
}

#[cfg(test)]
mod tests;
