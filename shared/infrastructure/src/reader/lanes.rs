//! Lanes: of the events about one thing one is reacted to at a time, in order, and things do not wait for each other.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use shared_kernel::{Cause, Revision};
use uuid::Uuid;

use super::reaction::{Desk, Reaction};
use crate::checkpoint::Mark;
use crate::parking::{Subject, Waiting};
use crate::unfinished::Unfinished;

/// How many events that are not reacted to yet are in memory at most. Until then an event that cannot be reacted to
/// holds up nothing else; beyond it nothing more is read.
pub(crate) const MOST_UNFINISHED: usize = 4_096;

/// Something to do about one thing.
pub(super) struct Task<E> {
    pub(super) key: Uuid,
    pub(super) what: What<E>,
}

pub(super) enum What<E> {
    /// An event of the stream, with what sets off the reaction, or with why it cannot be read.
    Event { subject: Subject, readable: Result<Box<(E, Cause)>, String> },
    /// An event that is parked, to be replayed.
    Parked(Waiting),
    /// Something that was found missing.
    Unfinished(Unfinished),
}

/// A task, and why it has to be parked, if so.
pub(super) struct Ended<E> {
    pub(super) task: Task<E>,
    pub(super) outcome: Result<(), String>,
}

/// What is in hand.
pub(super) struct Lanes<R: Reaction> {
    desk: Arc<Desk<R>>,
    /// What waits behind the task of its lane that is under way. A lane is there as long as one is.
    waiting: HashMap<Uuid, VecDeque<Task<R::Event>>>,
    under_way: FuturesUnordered<BoxFuture<'static, Ended<R::Event>>>,
    /// The events of the stream that are neither reacted to nor parked, each with the one before it in the stream.
    unfinished: BTreeMap<Revision, Option<Mark>>,
}

impl<R: Reaction> Lanes<R> {
    pub(super) fn new(desk: Arc<Desk<R>>) -> Self {
        Self { desk, waiting: HashMap::new(), under_way: FuturesUnordered::new(), unfinished: BTreeMap::new() }
    }

    /// Whether more events may be read.
    pub(super) fn have_room(&self) -> bool {
        self.unfinished.len() < MOST_UNFINISHED
    }

    /// Whether nothing is left to do for the events that were read.
    pub(super) fn are_idle(&self) -> bool {
        self.unfinished.is_empty()
    }

    /// Takes an event of the stream, which comes after `below`.
    pub(super) fn take(&mut self, task: Task<R::Event>, revision: Revision, below: Option<Mark>) {
        self.unfinished.insert(revision, below);
        self.add(task);
    }

    /// Begins a task, once those before it in its lane are done.
    pub(super) fn add(&mut self, task: Task<R::Event>) {
        match self.waiting.get_mut(&task.key) {
            Some(waiting) => waiting.push_back(task),
            None => {
                self.waiting.insert(task.key, VecDeque::new());
                self.begin(task);
            }
        }
        self.desk.in_hand.are_unfinished(self.unfinished.len());
    }

    fn begin(&self, task: Task<R::Event>) {
        let desk = Arc::clone(&self.desk);
        self.under_way.push(Box::pin(async move {
            let outcome = desk.carry_out(&task).await;
            desk.in_hand.is_done(task.key);
            Ended { task, outcome }
        }));
    }

    /// Notes that parked events are discarded: their tasks end without success.
    pub(super) fn are_discarded(&self, events: impl Iterator<Item = Uuid>) {
        self.desk.discarded.send_modify(|discarded| discarded.extend(events));
    }

    /// Whether anything about this thing is in hand.
    pub(super) fn has(&self, key: Uuid) -> bool {
        self.waiting.contains_key(&key)
    }

    /// The next task that ends; `None` if none is under way. Its lane goes on with [`Lanes::go_on`], or is given up with
    /// [`Lanes::give_up`].
    pub(super) async fn next_ended(&mut self) -> Option<Ended<R::Event>> {
        self.under_way.next().await
    }

    /// Begins what comes next in a lane.
    pub(super) fn go_on(&mut self, key: Uuid) {
        match self.waiting.get_mut(&key).and_then(VecDeque::pop_front) {
            Some(next) => self.begin(next),
            None => drop(self.waiting.remove(&key)),
        }
    }

    /// Ends a lane. Answers what has waited in it.
    pub(super) fn give_up(&mut self, key: Uuid) -> VecDeque<Task<R::Event>> {
        self.waiting.remove(&key).unwrap_or_default()
    }

    /// Notes that an event of the stream is reacted to or parked.
    pub(super) fn is_finished(&mut self, revision: Revision) {
        self.unfinished.remove(&revision);
        self.desk.in_hand.are_unfinished(self.unfinished.len());
    }

    /// Up to where nothing is left to do, if the stream was read up to `reached`: just below the oldest event that is
    /// not finished.
    pub(super) fn finished_up_to(&self, reached: Option<Mark>) -> Option<Mark> {
        self.unfinished.first_key_value().map_or(reached, |(_, below)| *below)
    }
}
