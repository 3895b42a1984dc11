//! Tests of a [`Decider`] as sentences: given what has happened, when something is asked for, then this comes of it.
//! And tests of what is stored of events.

mod forgetting;
mod golden;
mod golden_state;
mod history;
mod in_memory;

use std::fmt::{Debug, Display};
use std::str::FromStr;

pub use forgetting::{BothDecided, Forgetting};
pub use golden::GoldenFiles;
pub use golden_state::assert_golden_state;
pub use history::History;
pub use in_memory::InMemory;
use serde::Serialize;

use crate::Decider;

/// The state of a domain in which just these events have happened, numbered from 0.
pub fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
    let mut history = History::<D>::default();
    history.append(events);
    Given { state: history.state }
}

/// Asserts that each of these values is written as `as_str` gives it, in JSON as elsewhere, and read from that.
///
/// # Panics
/// If one is not.
#[track_caller]
pub fn assert_one_text_form<T>(values: &[T], as_str: impl Fn(&T) -> &'static str)
where
    T: Debug + Display + FromStr<Err: Debug + PartialEq> + PartialEq + Serialize + Copy,
{
    for value in values {
        let text = as_str(value);
        assert_eq!(serde_json::to_value(value).ok(), Some(text.into()));
        assert_eq!(text.parse(), Ok(*value));
        assert_eq!(value.to_string(), text);
    }
}

/// A domain in which something has happened.
#[derive(Debug)]
pub struct Given<D: Decider> {
    /// What came of it.
    pub state: D::State,
}

impl<D: Decider> Given<D> {
    /// Decides a command.
    #[must_use]
    pub fn when(&self, command: D::Command) -> Decided<D> {
        Decided { decision: D::decide(&self.state, &command) }
    }
}

/// What a command led to.
#[derive(Debug)]
pub struct Decided<D: Decider> {
    decision: Result<Vec<D::Event>, D::Rejection>,
}

impl<D: Decider> Decided<D>
where
    D::Event: Debug + PartialEq,
    D::Rejection: PartialEq,
{
    /// Asserts that exactly these events come of the command.
    ///
    /// # Panics
    /// If others do, or it is rejected.
    #[track_caller]
    pub fn then_events(self, events: impl IntoIterator<Item = D::Event>) {
        assert_eq!(self.decision, Ok(events.into_iter().collect()));
    }

    /// Asserts that the command changes nothing, because what it asks for is so already.
    ///
    /// # Panics
    /// If events come of it, or it is rejected.
    #[track_caller]
    pub fn then_nothing(self) {
        self.then_events([]);
    }

    /// Asserts that the command is rejected for this reason.
    ///
    /// # Panics
    /// If it is accepted, or rejected for another reason.
    #[track_caller]
    pub fn then_rejected(self, rejection: D::Rejection) {
        assert_eq!(self.decision, Err(rejection));
    }
}
