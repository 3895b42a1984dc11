//! Storing events at the end of the log.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rusqlite::params;

use super::event::{NewEvent, StoredEvent};
use super::metadata::{Retention, TOMBSTONE_REVISION, base_of};
use super::session::Session;
use super::snapshot::{Snapshot, record_size, signed, ticks_now};
use super::state::Stream;
use crate::rules::{Recorded, StreamStatus};

impl Session<'_> {
    /// What is known of a stream.
    pub(super) fn stream(&mut self, name: &Arc<str>) -> Result<Stream, rusqlite::Error> {
        if let Some(stream) = self.state.streams.get(name) {
            return Ok(*stream);
        }
        let snapshot = Snapshot::new(self.connection);
        let row = snapshot.row(name)?;
        let status = row.map_or(Ok(StreamStatus::default()), |row| snapshot.status(row))?;
        let mut stream = Stream { row, status, is_written: false };
        if base_of(name).is_none() {
            stream.status.soft_deleted = snapshot.retention(name)?.soft_deleted();
        }
        self.state.keep(name, stream);
        Ok(stream)
    }

    pub(super) fn store_next(&mut self, name: &Arc<str>, event: NewEvent) -> Result<Recorded, rusqlite::Error> {
        let last = self.stream(name)?.status.last;
        self.store(name, last.map_or(0, |last| last.saturating_add(1)), event)
    }

    /// Stores one event at the end of the log.
    pub(super) fn store(
        &mut self,
        name: &Arc<str>,
        revision: u64,
        event: NewEvent,
    ) -> Result<Recorded, rusqlite::Error> {
        let mut stream = self.stream(name)?;
        let row = match stream.row {
            Some(row) => row,
            None => self.create(name)?,
        };
        stream.row = Some(row);
        stream.is_written = true;
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

    /// Stores a record without an event, and returns its position.
    pub(super) fn store_empty(&mut self) -> Result<u64, rusqlite::Error> {
        let position = self.state.end;
        let sql = "INSERT INTO empty_records (position) VALUES (?1)";
        self.connection.prepare_cached(sql)?.execute([signed(position)])?;
        self.state.end = position.saturating_add(record_size(0));
        Ok(position)
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
        let position = self.state.end;
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
        let content = name.len() + event.event_type.len() + event.data.len() + event.metadata.len();
        self.state.end = position.saturating_add(record_size(content as u64));
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
