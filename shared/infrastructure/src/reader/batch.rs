//! Events that are worked on together.

use std::collections::{BTreeMap, HashSet};

use shared_kernel::{DomainEvent, Revision};
use tokio_postgres::{GenericClient, Statement};
use uuid::Uuid;

use super::Work;
use crate::event_store::{EventMetadata, Recorded};
use crate::worker::WorkError;
use crate::{checkpoint, parking};

/// An event and its number in the stream.
#[derive(Debug, Clone)]
pub struct Numbered<E> {
    /// The event.
    pub event: E,
    /// Its number.
    pub revision: Revision,
}

/// That an event cannot be processed, and has to be parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unprocessable {
    /// What the event is about: later ones about the same thing wait behind it.
    pub key: Uuid,
    /// Why it cannot be processed, for people.
    pub reason: String,
}

impl Unprocessable {
    fn behind_another(key: Uuid) -> Self {
        Self { key, reason: "an earlier event about the same thing is parked".to_owned() }
    }
}

/// The events of a batch that could not be processed, by their numbers: of each key only the first, since those behind
/// it are not tried.
pub(super) type Refused = BTreeMap<Revision, Unprocessable>;

/// What has parked events after a batch, beside what had before it.
pub(super) type Parked = HashSet<Uuid>;

/// What becomes of a batch.
pub(super) enum Outcome<'a> {
    /// The checkpoint moves past it.
    Advance { statement: &'a Statement, from: Option<Revision>, to: Revision },
    /// The one with this number was parked, and is not any more.
    Release(Revision),
}

/// Where an event comes from, and what it is about.
pub(super) struct Origin<'a> {
    pub(super) key: Uuid,
    pub(super) recorded: &'a Recorded,
    pub(super) metadata: EventMetadata,
}

/// Events that are worked on together.
pub struct Batch<'a, E> {
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
    /// Finds out what there is to work on in `events`, while events about what is `parked` have to wait.
    pub(super) fn of<W: Work<Event = E>>(events: &'a [Recorded], parked: &HashSet<Uuid>, outcome: Outcome<'a>) -> Self {
        let (reader, capacity) = (W::NAME, events.len());
        let (events_to_work_on, origins) = (Vec::with_capacity(capacity), Vec::with_capacity(capacity));
        let mut batch = Self { reader, events: events_to_work_on, origins, set_aside: Vec::new(), outcome };
        let mut parked_here = HashSet::new();
        for recorded in events {
            let unprocessable = match decode::<E>(recorded) {
                Ok((event, metadata)) => {
                    let Some(key) = W::key(&event) else { continue };
                    if !parked.contains(&key) && !parked_here.contains(&key) {
                        batch.events.push(Numbered { event, revision: recorded.revision });
                        batch.origins.push(Origin { key, recorded, metadata });
                        continue;
                    }
                    Unprocessable::behind_another(key)
                }
                Err(reason) => Unprocessable { key: parking::key_of_undecodable::<E>(recorded), reason },
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

    /// Whether there is nothing to park, if these events could not be processed.
    pub(super) fn parks_nothing(&self, refused: &Refused) -> bool {
        refused.is_empty() && self.set_aside.is_empty()
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
        for (Numbered { revision, .. }, Origin { key, recorded, .. }) in self.iter() {
            let behind = || parked.contains(key).then(|| Unprocessable::behind_another(*key));
            if let Some(unprocessable) = refused.remove(revision).or_else(behind) {
                parking::park(client, self.reader, recorded, &unprocessable).await?;
                parked.insert(*key);
            }
        }
        for (recorded, unprocessable) in &self.set_aside {
            parking::park(client, self.reader, recorded, unprocessable).await?;
            parked.insert(unprocessable.key);
        }
        match self.outcome {
            Outcome::Advance { statement, from, to } => {
                if !checkpoint::advance(client, statement, self.reader, from, to).await? {
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

fn decode<E: DomainEvent>(recorded: &Recorded) -> Result<(E, EventMetadata), String> {
    let metadata = recorded.metadata().map_err(|error| error.to_string())?;
    let event = recorded.decode(metadata.schema_version()).map_err(|error| error.to_string())?;
    Ok((event, metadata))
}
