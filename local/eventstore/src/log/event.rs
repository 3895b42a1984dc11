//! Events as they are proposed, stored and sent.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use prost::Message;
use shared_eventstore_protocol::client::StreamIdentifier;
use uuid::Uuid;

use crate::proto::streams::{ReadEvent, RecordedEvent, read_event};
use crate::wire::{self, IdForm};

/// The type of an event that points at another one.
const LINK_TYPE: &str = "$>";

/// An event that a client wants appended.
#[derive(Debug, Clone)]
pub(crate) struct NewEvent {
    pub(crate) id: Uuid,
    pub(crate) event_type: String,
    pub(crate) is_json: bool,
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
}

impl NewEvent {
    /// Roughly what it takes to keep the event, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.data.len() + self.metadata.len() + self.event_type.len()
    }
}

/// An event in the log.
#[derive(Debug)]
pub(crate) struct StoredEvent {
    pub(crate) position: u64,
    pub(crate) stream: Arc<str>,
    pub(crate) revision: u64,
    pub(crate) id: Uuid,
    pub(crate) event_type: String,
    pub(crate) is_json: bool,
    /// 100-nanosecond ticks since the Unix epoch.
    pub(crate) created: i64,
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
    /// This event as an encoded `ReadEvent`, by form of id: several subscribers share one encoding.
    pub(crate) encoded: [OnceLock<Bytes>; 2],
}

impl StoredEvent {
    /// Roughly what it takes to keep the event in memory, in bytes.
    pub(crate) fn size(&self) -> usize {
        256 + 3 * (self.data.len() + self.metadata.len()) + self.event_type.len()
    }

    fn recorded(&self, form: IdForm) -> RecordedEvent {
        let content_type = if self.is_json { wire::JSON } else { wire::OCTET_STREAM };
        RecordedEvent {
            id: Some(wire::proto_id(self.id, form)),
            stream_identifier: Some(StreamIdentifier::from(&*self.stream)),
            stream_revision: self.revision,
            prepare_position: self.position,
            commit_position: self.position,
            metadata: HashMap::from([
                ("type".to_owned(), self.event_type.clone()),
                ("created".to_owned(), self.created.to_string()),
                ("content-type".to_owned(), content_type.to_owned()),
            ]),
            custom_metadata: self.metadata.clone(),
            data: self.data.clone(),
        }
    }

    fn encoded(&self, form: IdForm) -> Bytes {
        let [structured, text] = &self.encoded;
        let cell = match form {
            IdForm::Structured => structured,
            IdForm::Text => text,
        };
        let encode = || encode(Some(self.recorded(form)), None, self.position);
        cell.get_or_init(encode).clone()
    }
}

fn encode(event: Option<RecordedEvent>, link: Option<RecordedEvent>, position: u64) -> Bytes {
    let event = ReadEvent { event, link, position: Some(read_event::Position::CommitPosition(position)) };
    event.encode_to_vec().into()
}

/// Whether an event's type says that it points at another event.
pub(crate) fn is_link(event_type: &str) -> bool {
    event_type == LINK_TYPE
}

/// An event as it is delivered: itself, or a link with what it points at.
#[derive(Debug, Clone)]
pub(crate) enum Resolved {
    Event(Arc<StoredEvent>),
    Link {
        link: Arc<StoredEvent>,
        /// Absent when what the link points at can no longer be read.
        target: Option<Arc<StoredEvent>>,
    },
}

impl Resolved {
    /// The position of the event or, for a link, of the link.
    pub(crate) fn position(&self) -> u64 {
        match self {
            Self::Event(event) => event.position,
            Self::Link { link, .. } => link.position,
        }
    }

    /// The encoded `ReadEvent`.
    pub(crate) fn encode(&self, form: IdForm) -> Bytes {
        match self {
            Self::Event(event) => event.encoded(form),
            Self::Link { link, target } => {
                encode(target.as_ref().map(|target| target.recorded(form)), Some(link.recorded(form)), link.position)
            }
        }
    }
}
