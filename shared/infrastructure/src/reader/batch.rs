//! Events that are projected together.

use std::collections::{BTreeMap, HashSet};

use shared_kernel::{DomainEvent, Revision};
use tokio_postgres::{GenericClient, Statement};
use uuid::Uuid;

use super::Work;
use super::origin::{Numbered, Understood, Unprocessable, understand};
use crate::checkpoint::{self, Mark};
use crate::event_store::Recorded;
use crate::parking;
use crate::worker::WorkError;

/// The events of a batch that could not be processed, by their numbers: of each key only the first, since those behind
/// it are not tried.
pub(super) type Refused = BTreeMap<Revision, Unprocessable>;

/// What has parked events after a batch, beside what had before it.
pub(super) type Parked = HashSet<Uuid>;

/// What becomes of a batch.
pub(super) enum Outcome<'a> {
    /// The checkpoint moves past it.
    Advance { statement: &'a Statement, from: Option<Mark>, to: Mark },
    /// The one with this number was parked, and is not any more.
    Release(Revision),
}

/// Where an event comes from, and what it is about.
pub(super) struct Origin<'a> {
    pub(super) key: Uuid,
    recorded: &'a Recorded,
}

/// Events that are worked on together.
pub(super) struct Batch<'a, E> {
    reader: &'static str,
    /// What there is to work on, in order, in the form that a projection takes.
    pub(super) events: Vec<Numbered<E>>,
    /// The origins of `events`.
    origins: Vec<Origin<'a>>,
    /// What is not worked on: it cannot be decoded, or waits behind an event that is parked.
    set_aside: Vec<(&'a Recorded, Unprocessable)>,
    outcome: Outcome<'a>,
}

impl<'a, E: DomainEvent> Batch<'a, E> {
    /// Finds out what there is to work on in `events`, while events about what is `parked` have to wait, and those that
    /// are `discarded` count for nothing.
    pub(super) fn of<W: Work<Event = E>>(
        events: &'a [Recorded],
        parked: &HashSet<Uuid>,
        discarded: &HashSet<Uuid>,
        outcome: Outcome<'a>,
    ) -> Self {
        let (reader, capacity) = (W::NAME, events.len());
        let (events_to_work_on, origins) = (Vec::with_capacity(capacity), Vec::with_capacity(capacity));
        let mut batch = Self { reader, events: events_to_work_on, origins, set_aside: Vec::new(), outcome };
        let mut parked_here = HashSet::new();
        for recorded in events.iter().filter(|recorded| !discarded.contains(&recorded.event_id)) {
            let unprocessable = match understand::<W>(recorded) {
                Understood::Nothing => continue,
                Understood::Event { key, event, .. } if !parked.contains(&key) && !parked_here.contains(&key) => {
                    batch.events.push(Numbered { event, revision: recorded.revision });
                    batch.origins.push(Origin { key, recorded });
                    continue;
                }
                Understood::Event { key, .. } => Unprocessable::behind_another(key),
                Understood::Not(unprocessable) => unprocessable,
            };
            parked_here.insert(unprocessable.key);
            batch.set_aside.push((recorded, unprocessable));
        }
        batch
    }

    /// Whether there is nothing to work on, and nothing to park.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.set_aside.is_empty()
    }

    /// What there is to work on, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Numbered<E>, &Origin<'a>)> {
        self.events.iter().zip(&self.origins)
    }

    /// Parks what could not be processed, with what comes after it about the same thing, and moves the checkpoint past
    /// the batch, or releases what was replayed.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] if another instance has moved the checkpoint. Nothing of it may be committed then.
    pub(super) async fn settle(&self, client: &impl GenericClient, mut refused: Refused) -> Result<Parked, WorkError> {
        let mut parked = Parked::new();
        for (Numbered { revision, .. }, Origin { key, recorded }) in self.iter() {
            let behind = || parked.contains(key).then(|| Unprocessable::behind_another(*key));
            if let Some(unprocessable) = refused.remove(revision).or_else(behind) {
                parking::park(client, self.reader, &parking::Subject::of(recorded), &unprocessable).await?;
                parked.insert(*key);
            }
        }
        for (recorded, unprocessable) in &self.set_aside {
            parking::park(client, self.reader, &parking::Subject::of(recorded), unprocessable).await?;
            parked.insert(unprocessable.key);
        }
        match self.outcome {
            Outcome::Advance { statement, from, to } => {
                if !checkpoint::advance(client, statement, self.reader, from, Some(to)).await? {
                    return Err(WorkError::Fenced);
                }
            }
            Outcome::Release(revision) if parked.is_empty() => {
                parking::release(client, self.reader, revision).await?;
            }
            Outcome::Release(_) => {}
        }
        Ok(parked)
    }
}
