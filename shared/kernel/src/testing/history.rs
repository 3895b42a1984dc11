#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Decider, DomainEvent, Revision};

/// The events of a domain, numbered from 0, and the state that they lead to.
#[derive(Debug)]
pub struct History<D: Decider> {
    /// What came of the events.
    pub state: D::State,
    /// What has happened.
    pub events: Vec<D::Event>,
}

impl<D: Decider> Default for History<D> {
    fn default() -> Self {
        Self { state: D::State::default(), events: Vec::new() }
    }
}

impl<D: Decider> History<D> {
    /// What comes of these commands, without those that are rejected.
    pub fn of<'a>(commands: impl IntoIterator<Item = &'a D::Command>) -> Self {
        let mut history = Self::default();
        for command in commands {
            // What is rejected has not happened.
            let _ = history.run(command);
        }
        history
    }

    /// The number of the newest event.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        self.events.len().checked_sub(1).map(|newest| Revision(newest as u64))
    }

    /// More has happened.
    pub fn append(&mut self, events: impl IntoIterator<Item = D::Event>) {
        for event in events {
            D::evolve(&mut self.state, &event, Revision(self.events.len() as u64));
            self.events.push(event);
        }
    }

    /// Decides a command, and appends and gives what comes of it.
    ///
    /// # Errors
    /// The domain's rejection; nothing has happened then.
    pub fn run(&mut self, command: &D::Command) -> Result<Vec<D::Event>, D::Rejection> {
        let decided = D::decide(&self.state, command)?;
        self.append(decided.iter().cloned());
        Ok(decided)
    }

    /// Asserts that the state is the same when the events are read back from where they were stored, and when it is
    /// read from a snapshot.
    ///
    /// # Panics
    /// If it is not.
    pub fn assert_restorable(&self)
    where
        D::State: Debug + PartialEq + Serialize + DeserializeOwned,
    {
        let mut restored = Self::default();
        restored.append(self.events.iter().map(|event| {
            let data = event.encode().expect("an event that can be stored");
            D::Event::decode(event.event_type(), event.schema_version(), &data).expect("an event that can be read")
        }));
        assert_eq!(restored.state, self.state);
        self.assert_restorable_state();
    }

    /// Asserts that the state is the same when it is read from a snapshot.
    ///
    /// # Panics
    /// If it is not.
    pub fn assert_restorable_state(&self)
    where
        D::State: Debug + PartialEq + Serialize + DeserializeOwned,
    {
        let snapshot = serde_json::to_vec(&self.state).expect("a state that can be stored");
        assert_eq!(serde_json::from_slice::<D::State>(&snapshot).expect("a state that can be read"), self.state);
    }
}
