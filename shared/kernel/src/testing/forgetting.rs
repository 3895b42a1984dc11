use super::History;
use crate::{Decider, DomainEvent};

/// The same history twice: once with everything in its state, and once forgetting what has ended.
pub struct Forgetting<D: Decider> {
    /// Forgets nothing.
    pub remembering: History<D>,
    /// Forgets, whenever it is told to.
    pub forgetting: History<D>,
}

/// What both decide of a command.
pub type BothDecided<D> = [Result<Vec<<D as Decider>::Event>, <D as Decider>::Rejection>; 2];

impl<D: Decider> Default for Forgetting<D> {
    fn default() -> Self {
        Self { remembering: History::default(), forgetting: History::default() }
    }
}

impl<D: Decider> Forgetting<D> {
    /// Decides a command on both, and appends what comes of it where nothing is forgotten to both.
    pub fn run(&mut self, command: &D::Command) -> BothDecided<D> {
        let decided = [&self.remembering, &self.forgetting].map(|history| D::decide(&history.state, command));
        if let Ok(events) = &decided[0] {
            self.append(events.iter().cloned());
        }
        decided
    }

    /// More has happened.
    pub fn append(&mut self, events: impl IntoIterator<Item = D::Event>) {
        for event in events {
            self.remembering.append([event.clone()]);
            self.forgetting.append([event]);
        }
    }

    /// Forgets all that has ended.
    pub fn forget(&mut self) {
        for event in &self.forgetting.events {
            let key = event.key();
            if D::has_ended(&self.forgetting.state, key) {
                D::forget(&mut self.forgetting.state, key);
                debug_assert!(!D::has_ended(&self.forgetting.state, key), "what is forgotten does not end again");
            }
        }
    }
}
