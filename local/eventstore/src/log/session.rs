//! Deciding and storing the writes of one transaction.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::event::{NewEvent, StoredEvent};
use super::metadata::{
    METADATA_TYPE, Retention, TOMBSTONE_REVISION, base_of, metastream_of, soft_delete_json, with_truncate_before,
};
use super::remembered::RememberedIds;
use super::snapshot::{Snapshot, signed, ticks_now};
use crate::rules::{self, Decision, ExpectedRevision, History, Recorded, StreamStatus};

/// Streams whose status is kept in memory.
const MAX_STREAMS: usize = 65_536;

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
pub(crate) enum Outcome {
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

#[derive(Debug, Clone, Copy, Default)]
struct Stream {
    /// Its row, once it has an event.
    row: Option<i64>,
    status: StreamStatus,
}

/// What the writer knows without asking the database, uncommitted events included.
#[derive(Default)]
pub(super) struct State {
    streams: HashMap<Arc<str>, Stream>,
    remembered: RememberedIds,
    position: u64,
    created: i64,
    uncommitted: Vec<Arc<StoredEvent>>,
}

impl State {
    pub(super) fn new(position: u64, created: i64) -> Self {
        Self { position, created, ..Self::default() }
    }

    /// Takes the events that were just committed, and the position of the last.
    pub(super) fn committed(&mut self) -> (Vec<Arc<StoredEvent>>, u64) {
        (std::mem::take(&mut self.uncommitted), self.position)
    }

    /// Goes back to where `position` is the last one. The rest is looked up again when it is needed.
    pub(super) fn forget_uncommitted(&mut self, position: u64) {
        self.uncommitted.clear();
        self.streams.clear();
        self.remembered.clear();
        self.position = position;
    }
}

/// The writes of one transaction.
pub(super) struct Session<'a> {
    connection: &'a Connection,
    state: &'a mut State,
}

impl<'a> Session<'a> {
    pub(super) fn new(connection: &'a Connection, state: &'a mut State) -> Self {
        Self { connection, state }
    }

    /// Writes the first event of a new log. As in EventStoreDB it is a system event: a client's event never comes first.
    pub(super) fn begin_log(&mut self) -> Result<(), rusqlite::Error> {
        let metadata = json_event(METADATA_TYPE, br#"{"$maxAge":2592000}"#.to_vec());
        self.store_next(&Arc::from("$$$scavenges"), metadata)?;
        Ok(())
    }

    /// Decides one write, and stores its events if it is accepted.
    pub(super) fn apply(&mut self, command: &mut Command) -> Result<Outcome, rusqlite::Error> {
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

    fn append(
        &mut self,
        name: &Arc<str>,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Outcome, rusqlite::Error> {
        let stream = self.stream(name)?;
        let current = stream.status.last;
        let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
        let recreates = match self.decide(name, stream, expected, &ids)? {
            Decision::Accept { recreates } => recreates,
            Decision::AlreadyWritten(recorded) => return Ok(done(recorded)),
            Decision::WrongRevision => return Ok(Outcome::WrongRevision { current }),
            Decision::Deleted => return Ok(Outcome::Deleted),
        };
        if events.is_empty() {
            return Ok(Outcome::Done { revision: current, position: None });
        }
        let recreated_by_metadata = self.soft_deleted_base(name)?;
        let first = current.map_or(0, |last| last.saturating_add(1));
        let mut last = Recorded { revision: first, position: self.state.position };
        for (revision, event) in (first..).zip(events) {
            last = self.store(name, revision, event)?;
        }
        if recreates {
            self.truncate_before(name, first)?;
        }
        if let Some((base, end)) = recreated_by_metadata {
            self.truncate_before(&base, end)?;
        }
        Ok(done(last))
    }

    fn delete(&mut self, name: &Arc<str>, expected: ExpectedRevision) -> Result<Outcome, rusqlite::Error> {
        let stream = self.stream(name)?;
        let current = stream.status.last;
        match self.decide(name, stream, expected, &[])? {
            Decision::Accept { .. } if current.is_some() => {
                let metadata = json_event(METADATA_TYPE, soft_delete_json());
                let recorded = self.store_next(&Arc::from(metastream_of(name)), metadata)?;
                Ok(done(recorded))
            }
            Decision::Deleted => Ok(Outcome::Deleted),
            _ => Ok(Outcome::WrongRevision { current }),
        }
    }

    fn tombstone(&mut self, name: &Arc<str>, expected: ExpectedRevision) -> Result<Outcome, rusqlite::Error> {
        let stream = self.stream(name)?;
        match self.decide(name, stream, expected, &[])? {
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
            Decision::Deleted => Ok(Outcome::Deleted),
            _ => Ok(Outcome::WrongRevision { current: stream.status.last }),
        }
    }

    fn decide(
        &self,
        name: &Arc<str>,
        stream: Stream,
        expected: ExpectedRevision,
        ids: &[Uuid],
    ) -> Result<Decision, rusqlite::Error> {
        let mut history = StreamHistory {
            snapshot: Snapshot::new(self.connection),
            remembered: &self.state.remembered,
            name,
            row: stream.row,
        };
        rules::decide(stream.status, expected, ids, &mut history)
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
        let event = json_event(METADATA_TYPE, json);
        self.store_next(&Arc::from(metastream_of(name)), event)?;
        Ok(())
    }

    /// What is known of a stream.
    fn stream(&mut self, name: &Arc<str>) -> Result<Stream, rusqlite::Error> {
        if let Some(stream) = self.state.streams.get(name) {
            return Ok(*stream);
        }
        let snapshot = Snapshot::new(self.connection);
        let row = snapshot.row(name)?;
        let mut stream = Stream { row, status: row.map_or(Ok(StreamStatus::default()), |row| snapshot.status(row))? };
        if base_of(name).is_none() {
            stream.status.soft_deleted = snapshot.retention(name)?.soft_deleted();
        }
        if self.state.streams.len() >= MAX_STREAMS {
            self.state.streams.clear();
        }
        self.state.streams.insert(Arc::clone(name), stream);
        Ok(stream)
    }

    fn store_next(&mut self, name: &Arc<str>, event: NewEvent) -> Result<Recorded, rusqlite::Error> {
        let last = self.stream(name)?.status.last;
        self.store(name, last.map_or(0, |last| last.saturating_add(1)), event)
    }

    /// Stores one event at the end of the log.
    fn store(&mut self, name: &Arc<str>, revision: u64, event: NewEvent) -> Result<Recorded, rusqlite::Error> {
        let mut stream = self.stream(name)?;
        let row = match stream.row {
            Some(row) => row,
            None => self.create(name)?,
        };
        stream.row = Some(row);
        if revision == TOMBSTONE_REVISION {
            stream.status.tombstoned = true;
        } else {
            stream.status.last = Some(revision);
        }
        let event = self.insert(name, row, revision, event)?;
        let recorded = Recorded { revision, position: event.position };
        self.state.streams.insert(Arc::clone(name), stream);
        self.state.remembered.insert(event.id, name, recorded);
        if let Some(base) = base_of(name)
            && base_of(base).is_none()
            && let Some(base) = self.state.streams.get_mut(base)
        {
            let retention = Retention::parse(event.is_json, &event.data);
            base.status.soft_deleted = retention.soft_deleted();
        }
        self.state.uncommitted.push(event);
        Ok(recorded)
    }

    fn create(&self, name: &str) -> Result<i64, rusqlite::Error> {
        let sql = "INSERT INTO streams (name) VALUES (?1)";
        self.connection.prepare_cached(sql)?.insert([name])
    }

    fn insert(
        &mut self,
        name: &Arc<str>,
        row: i64,
        revision: u64,
        event: NewEvent,
    ) -> Result<Arc<StoredEvent>, rusqlite::Error> {
        let position = self.state.position.saturating_add(1);
        // Never back, even if the clock is set back: `$maxAge` relies on it.
        let created = ticks_now().max(self.state.created);
        let sql = "INSERT INTO events (position, stream, revision, id, type, json, created, data, metadata)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.connection.prepare_cached(sql)?.execute(params![
            signed(position),
            row,
            signed(revision),
            event.id.as_bytes().as_slice(),
            event.event_type,
            event.is_json,
            created,
            &event.data[..],
            &event.metadata[..],
        ])?;
        self.state.position = position;
        self.state.created = created;
        Ok(Arc::new(StoredEvent {
            position,
            stream: Arc::clone(name),
            revision,
            id: event.id,
            event_type: event.event_type,
            is_json: event.is_json,
            created,
            // Copies, so that an event kept in memory does not keep the whole request it came in.
            data: Bytes::copy_from_slice(&event.data),
            metadata: Bytes::copy_from_slice(&event.metadata),
            encoded: [OnceLock::new(), OnceLock::new()],
        }))
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

fn done(recorded: Recorded) -> Outcome {
    Outcome::Done { revision: Some(recorded.revision), position: Some(recorded.position) }
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
