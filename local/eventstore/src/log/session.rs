//! Deciding and storing the writes of one transaction.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;
use uuid::Uuid;

use super::event::NewEvent;
use super::metadata::{
    METADATA_TYPE, TOMBSTONE_REVISION, base_of, metastream_of, soft_delete_json, with_truncate_before,
};
use super::range::StreamRange;
use super::remembered::RememberedIds;
use super::snapshot::Snapshot;
use super::state::{State, Stream};
use crate::rules::{self, Decision, ExpectedRevision, History, Recorded, Write};

/// What came of a write.
type Written = Result<WriteOutcome, rusqlite::Error>;

/// A write to one stream.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) stream: Arc<str>,
    pub(crate) expected: ExpectedRevision,
    pub(crate) operation: Operation,
}

#[derive(Debug)]
pub(crate) enum Operation {
    Append(Vec<NewEvent>),
    /// Hide the stream's events; it can be written to again.
    Delete,
    /// End the stream for good.
    Tombstone,
}

/// What came of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    /// Stored, now or by an earlier try. `revision` is the stream's last one, `position` the last event's.
    Done {
        revision: Option<u64>,
        position: Option<u64>,
    },
    WrongRevision {
        current: Option<u64>,
    },
    Deleted,
}

/// The writes of one transaction.
pub(super) struct Session<'a> {
    pub(super) connection: &'a Connection,
    pub(super) state: &'a mut State,
}

impl<'a> Session<'a> {
    pub(super) fn new(connection: &'a Connection, state: &'a mut State) -> Self {
        Self { connection, state }
    }

    /// Writes the first event of a new log. As in EventStoreDB it is a system event: a client's event never comes
    /// first.
    pub(super) fn begin_log(&mut self) -> Result<(), rusqlite::Error> {
        let metadata = json_event(METADATA_TYPE, br#"{"$maxAge":2592000}"#.to_vec());
        self.store_next(&Arc::from("$$$scavenges"), metadata)?;
        Ok(())
    }

    /// Decides one write, and stores its events if it is accepted.
    pub(super) fn apply(&mut self, command: &mut Command) -> Written {
        let expected = command.expected;
        match &mut command.operation {
            Operation::Append(events) => {
                let events = std::mem::take(events);
                self.append(&command.stream, expected, events)
            }
            Operation::Delete => self.delete(&command.stream, expected),
            Operation::Tombstone => self.tombstone(&command.stream, expected),
        }
    }

    fn append(&mut self, name: &Arc<str>, expected: ExpectedRevision, events: Vec<NewEvent>) -> Written {
        let stream = self.stream(name)?;
        let current = stream.status.last;
        if self.is_of_tombstoned(name, stream)? {
            return Ok(WriteOutcome::Deleted);
        }
        let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
        let recreates = match self.decide(name, stream, expected, Write::Append(&ids))? {
            Decision::Accept { recreates } => recreates,
            Decision::AlreadyWritten(recorded) => return self.as_written_before(name, recorded),
            Decision::WrongRevision => return Ok(WriteOutcome::WrongRevision { current }),
            Decision::Deleted => return Ok(WriteOutcome::Deleted),
        };
        let first = current.map_or(0, |last| last.saturating_add(1));
        let (written, recreated_by_metadata) = match events.is_empty() {
            true => (WriteOutcome::Done { revision: current, position: Some(self.store_empty()?) }, None),
            false => {
                let recreated_by_metadata = self.soft_deleted_base(name)?;
                (self.store_all(name, first, events)?, recreated_by_metadata)
            }
        };
        if recreates {
            self.truncate_before(name, first)?;
        }
        if let Some((base, end)) = recreated_by_metadata {
            self.truncate_before(&base, end)?;
        }
        Ok(written)
    }

    fn store_all(&mut self, name: &Arc<str>, first: u64, events: Vec<NewEvent>) -> Written {
        let mut last = None;
        for (revision, event) in (first..).zip(events) {
            last = Some(self.store(name, revision, event)?);
        }
        let (revision, position) = (last.map(|last| last.revision), last.map(|last| last.position));
        Ok(WriteOutcome::Done { revision, position })
    }

    /// The answer to a retry: where the events were written, if they can still be read there.
    fn as_written_before(&self, name: &str, recorded: Recorded) -> Written {
        let Recorded { revision, position } = recorded;
        let range = Snapshot::new(self.connection).range(name)?;
        let is_readable =
            matches!(range, StreamRange::Readable { first, last, .. } if (first..=last).contains(&revision));
        Ok(WriteOutcome::Done { revision: Some(revision), position: is_readable.then_some(position) })
    }

    fn delete(&mut self, name: &Arc<str>, expected: ExpectedRevision) -> Written {
        let stream = self.stream(name)?;
        let current = stream.status.last;
        let metastream = Arc::from(metastream_of(name));
        if self.is_of_tombstoned(name, stream)? {
            return Ok(WriteOutcome::Deleted);
        }
        match self.decide(name, stream, expected, Write::End)? {
            Decision::Accept { .. } => {}
            Decision::Deleted => return Ok(WriteOutcome::Deleted),
            _ => return Ok(WriteOutcome::WrongRevision { current }),
        }
        let metadata = self.stream(&metastream)?;
        if current.is_none() && metadata.status.last.is_none() {
            return Ok(WriteOutcome::WrongRevision { current });
        }
        // There is no room after a tombstone for the record of the delete.
        if metadata.status.tombstoned {
            return Ok(WriteOutcome::Deleted);
        }
        let recorded = self.store_next(&metastream, json_event(METADATA_TYPE, soft_delete_json()))?;
        Ok(done(recorded))
    }

    fn tombstone(&mut self, name: &Arc<str>, expected: ExpectedRevision) -> Written {
        let stream = self.stream(name)?;
        if self.is_of_tombstoned(name, stream)? {
            return Ok(WriteOutcome::Deleted);
        }
        match self.decide(name, stream, expected, Write::End)? {
            Decision::Accept { .. } => {
                let event = NewEvent {
                    id: Uuid::new_v4(),
                    event_type: "$streamDeleted".to_owned(),
                    is_json: false,
                    data: Bytes::new(),
                    metadata: Bytes::new(),
                };
                Ok(done(self.store(name, TOMBSTONE_REVISION, event)?))
            }
            Decision::Deleted => Ok(WriteOutcome::Deleted),
            _ => Ok(WriteOutcome::WrongRevision { current: stream.status.last }),
        }
    }

    /// Whether a stream describes a tombstoned one. As in EventStoreDB it can still be written to if it was lately.
    fn is_of_tombstoned(&mut self, name: &str, stream: Stream) -> Result<bool, rusqlite::Error> {
        match base_of(name) {
            Some(base) if !stream.is_written => Ok(self.stream(&Arc::from(base))?.status.tombstoned),
            _ => Ok(false),
        }
    }

    fn decide(
        &self,
        name: &Arc<str>,
        stream: Stream,
        expected: ExpectedRevision,
        write: Write<'_>,
    ) -> Result<Decision, rusqlite::Error> {
        let mut history = StreamHistory {
            snapshot: Snapshot::new(self.connection),
            remembered: &self.state.remembered,
            name,
            row: stream.row,
        };
        rules::decide(stream.status, expected, write, &mut history)
    }

    /// The stream that `metastream` describes, with the number of events it has had, if it is soft-deleted.
    fn soft_deleted_base(&mut self, metastream: &str) -> Result<Option<(Arc<str>, u64)>, rusqlite::Error> {
        let Some(base) = base_of(metastream) else {
            return Ok(None);
        };
        let base = Arc::from(base);
        let status = self.stream(&base)?.status;
        let end = status.last.map_or(0, |last| last.saturating_add(1));
        Ok((status.soft_deleted && !status.tombstoned).then_some((base, end)))
    }

    /// Makes a soft-deleted stream readable again from revision `first` on, keeping the rest of its metadata.
    fn truncate_before(&mut self, name: &str, first: u64) -> Result<(), rusqlite::Error> {
        let metadata = Snapshot::new(self.connection).metadata(name)?;
        let Some(json) = metadata.and_then(|(_, data)| with_truncate_before(&data, first)) else {
            return Ok(());
        };
        let metastream = Arc::from(metastream_of(name));
        if !self.stream(&metastream)?.status.tombstoned {
            self.store_next(&metastream, json_event(METADATA_TYPE, json))?;
        }
        Ok(())
    }
}

struct StreamHistory<'a> {
    snapshot: Snapshot<'a>,
    remembered: &'a RememberedIds,
    name: &'a str,
    row: Option<i64>,
}

impl History for StreamHistory<'_> {
    type Error = rusqlite::Error;

    fn has_metadata(&mut self) -> Result<bool, Self::Error> {
        Ok(self.snapshot.metadata(self.name)?.is_some())
    }

    fn remembered(&self, id: Uuid) -> Option<Recorded> {
        self.remembered.get(id, self.name)
    }

    fn stored(&mut self, revision: u64) -> Result<Option<(Uuid, u64)>, Self::Error> {
        match self.row {
            Some(row) => self.snapshot.identity(row, revision),
            None => Ok(None),
        }
    }
}

fn done(recorded: Recorded) -> WriteOutcome {
    WriteOutcome::Done { revision: Some(recorded.revision), position: Some(recorded.position) }
}

fn json_event(event_type: &str, json: Vec<u8>) -> NewEvent {
    NewEvent {
        id: Uuid::new_v4(),
        event_type: event_type.to_owned(),
        is_json: true,
        data: json.into(),
        metadata: Bytes::new(),
    }
}
