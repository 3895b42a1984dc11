use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{DomainEvent, Revision};

/// The rules of one domain, as a pure decider: commands in, events or a rejection out, state folded from events.
///
/// Implementations are synchronous and deterministic. Identifiers and times arrive inside the command. What is folded
/// from the stream has a serialised form, so that a snapshot of it can be kept.
pub trait Decider: Send + Sync + 'static {
    /// What the rules need to know, folded from the domain's stream.
    ///
    /// Cloned for every batch of commands to decide them speculatively, so a clone has to be cheap: build it from
    /// persistent collections.
    type State: Clone + Default + Serialize + DeserializeOwned + Send + Sync;
    /// What a caller asks for.
    type Command: Send + Sync;
    /// What has happened.
    type Event: DomainEvent;
    /// Why a command was refused.
    type Rejection: std::error::Error + Clone + Send + Sync;
    /// What a command was about: the thing whose state its caller gets back.
    type Subject: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync;
    /// What a command's caller gets back: the subject as the command left it.
    type Outcome: Clone + Serialize + DeserializeOwned + Send + Sync;

    /// The schema version of the state: raised by hand whenever the same events lead to a state that means something else,
    /// or that is stored in another form. A snapshot of any other version is not read.
    const STATE_VERSION: u32;

    /// Decides a command. No events means that what was asked for is so already.
    ///
    /// # Errors
    /// The domain's rejection when a rule forbids the command; nothing has happened then.
    fn decide(state: &Self::State, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The events that record a command for which [`Decider::decide`] gives none, so that it is remembered by its
    /// idempotency key: they say once more what is so. None for a command that can be decided anew whenever it is
    /// repeated, without undoing what others have done since.
    fn restate(state: &Self::State, command: &Self::Command) -> Vec<Self::Event> {
        let _ = (state, command);
        Vec::new()
    }

    /// Everything that a command rests on, as events name it. It cannot be decided while there is an event about one
    /// of these that this version of the software cannot read.
    fn concerns(state: &Self::State, command: &Self::Command) -> Vec<Uuid>;

    /// Folds the event with number `revision` of the stream into the state.
    ///
    /// Total: an event that contradicts the state is a fact all the same and never panics.
    fn evolve(state: &mut Self::State, event: &Self::Event, revision: Revision);

    /// Whether what happens to this key ([`DomainEvent::key`]) has come to its end, so that the state may forget it some
    /// time later.
    fn has_ended(_state: &Self::State, _key: Uuid) -> bool {
        false
    }

    /// Leaves of what happened to this key only what later commands need in order to be refused or to be found done. To
    /// be asked for when it has ended; does nothing if it has not.
    ///
    /// When that is asked for is no event, and may differ between replicas: each of them has to decide as if nothing had
    /// been forgotten, except for the words of a rejection.
    fn forget(_state: &mut Self::State, _key: Uuid) {}

    /// The subject of a command.
    fn subject(command: &Self::Command) -> Self::Subject;

    /// The subject of the command whose first event this is, so that a repeated command finds its outcome in the
    /// stream.
    fn subject_of_event(event: &Self::Event) -> Self::Subject;

    /// The subject as it stands in this state.
    fn outcome(state: &Self::State, subject: &Self::Subject) -> Self::Outcome;
}
