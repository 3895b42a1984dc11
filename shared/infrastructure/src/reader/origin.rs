//! An event of a stream, as a reader takes it.

use shared_kernel::{DomainEvent, Revision};
use uuid::Uuid;

use super::Work;
use crate::event_store::{EventMetadata, Recorded};
use crate::parking;

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
    pub(super) fn behind_another(key: Uuid) -> Self {
        Self { key, reason: parking::BEHIND_ANOTHER.to_owned() }
    }
}

/// What there is to do for an event.
pub(super) enum Understood<E> {
    /// Nothing.
    Nothing,
    /// It is about the thing with this key.
    Event { key: Uuid, event: E, metadata: Box<EventMetadata> },
    /// It cannot be decoded.
    Not(Unprocessable),
}

/// Decodes an event, as far as this version of the software knows it.
pub(super) fn understand<W: Work>(recorded: &Recorded) -> Understood<W::Event> {
    match decode::<W::Event>(recorded) {
        Ok((event, metadata)) => match W::key(&event) {
            Some(key) => Understood::Event { key, event, metadata: Box::new(metadata) },
            None => Understood::Nothing,
        },
        Err(reason) => {
            Understood::Not(Unprocessable { key: parking::key_of_undecodable::<W::Event>(recorded), reason })
        }
    }
}

fn decode<E: DomainEvent>(recorded: &Recorded) -> Result<(E, EventMetadata), String> {
    let metadata = recorded.metadata().map_err(|error| error.to_string())?;
    let event = recorded.decode(metadata.schema_version()).map_err(|error| error.to_string())?;
    Ok((event, metadata))
}
