//! Queries on one consistent state of the log.

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::event::{Resolved, StoredEvent, is_link};
use super::metadata::{TOMBSTONE_REVISION, metastream_of};
use super::range::StreamRange;
use crate::rules::StreamStatus;

/// What a record takes beside its names and contents, in bytes.
const RECORD_OVERHEAD: u64 = 80;

/// A page ends early once it holds this many bytes.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Streams whose events are internal to EventStoreDB and never shown in `$all`.
const HIDDEN_PREFIX: &str = "$persistentsubscription-$all::";
const HIDDEN_SUFFIXES: [&str; 2] = ["-checkpoint", "-parked"];

/// Now, in 100-nanosecond ticks since the Unix epoch.
pub(crate) fn ticks_now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_nanos() / 100).unwrap_or(i64::MAX)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forwards,
    Backwards,
}

/// What is at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtPosition {
    /// A record begins there, or the next one will.
    Record,
    Inside,
    Beyond,
}

/// A step of a scan over `$all`.
#[derive(Debug)]
pub(crate) struct Considered {
    pub(crate) position: u64,
    /// The event, unless the filter does not want it.
    pub(crate) event: Option<Resolved>,
}

/// One consistent state of the log.
pub(crate) struct Snapshot<'a>(pub(super) &'a Connection);

impl<'a> Snapshot<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self(connection)
    }

    /// The last event's position, 0 if there is none.
    pub(crate) fn head(&self) -> Result<u64, rusqlite::Error> {
        let sql = "SELECT coalesce(max(position), 0) FROM events";
        self.0.prepare_cached(sql)?.query_row([], |row| get_u64(row, 0))
    }

    /// Where the next record begins. A log without events has the record that is at the beginning of every log.
    pub(super) fn end(&self) -> Result<u64, rusqlite::Error> {
        let sql = "SELECT position,
                          octet_length(name) + octet_length(type) + octet_length(data) + octet_length(metadata)
                   FROM events e JOIN streams s ON s.id = e.stream ORDER BY position DESC LIMIT 1";
        let last = self.0.prepare_cached(sql)?.query_row([], |row| Ok((get_u64(row, 0)?, get_u64(row, 1)?)));
        let after_events = last.optional()?.map_or(0, |(position, content)| position + record_size(content));
        let sql = "SELECT coalesce(max(position), 0) FROM empty_records";
        let empty = self.0.prepare_cached(sql)?.query_row([], |row| get_u64(row, 0))?;
        Ok(after_events.max(empty + record_size(0)))
    }

    /// What is at a position in `$all`.
    pub(crate) fn place(&self, position: u64) -> Result<AtPosition, rusqlite::Error> {
        let sql = "SELECT EXISTS (SELECT 1 FROM events WHERE position = ?1)
                       OR EXISTS (SELECT 1 FROM empty_records WHERE position = ?1)";
        let begins = self.0.prepare_cached(sql)?.query_row([signed(position)], |row| row.get(0))?;
        let end = self.end()?;
        Ok(match begins {
            _ if position > end => AtPosition::Beyond,
            true => AtPosition::Record,
            false if position == 0 || position == end => AtPosition::Record,
            false => AtPosition::Inside,
        })
    }

    /// When the last event was created, in ticks; 0 if there is none.
    pub(super) fn last_created(&self) -> Result<i64, rusqlite::Error> {
        let sql = "SELECT created FROM events ORDER BY position DESC LIMIT 1";
        let created = self.0.prepare_cached(sql)?.query_row([], |row| row.get(0));
        Ok(created.optional()?.unwrap_or(0))
    }

    /// The row of a stream that has ever had an event.
    pub(super) fn row(&self, stream: &str) -> Result<Option<i64>, rusqlite::Error> {
        let sql = "SELECT id FROM streams WHERE name = ?1";
        let row = self.0.prepare_cached(sql)?.query_row([stream], |row| row.get(0));
        row.optional()
    }

    /// The status of the stream in `row`, without looking at its metadata.
    pub(super) fn status(&self, row: i64) -> Result<StreamStatus, rusqlite::Error> {
        let sql = "SELECT revision FROM events WHERE stream = ?1 ORDER BY revision DESC LIMIT 2";
        let mut statement = self.0.prepare_cached(sql)?;
        let mut status = StreamStatus::default();
        for revision in statement.query_map([row], |row| get_u64(row, 0))? {
            match revision? {
                TOMBSTONE_REVISION => status.tombstoned = true,
                revision => status.last = status.last.max(Some(revision)),
            }
        }
        Ok(status)
    }

    /// The id and position of one event.
    pub(super) fn identity(&self, row: i64, revision: u64) -> Result<Option<(Uuid, u64)>, rusqlite::Error> {
        let sql = "SELECT id, position FROM events WHERE stream = ?1 AND revision = ?2";
        let mut statement = self.0.prepare_cached(sql)?;
        let found = statement.query_row(params![row, signed(revision)], |row| Ok((get_id(row, 0)?, get_u64(row, 1)?)));
        found.optional()
    }

    /// The newest metadata event of `stream`: whether it says that it is JSON, and its data.
    pub(super) fn metadata(&self, stream: &str) -> Result<Option<(bool, Bytes)>, rusqlite::Error> {
        let Some(row) = self.row(&metastream_of(stream))? else {
            return Ok(None);
        };
        let sql = "SELECT json, data FROM events WHERE stream = ?1 AND revision < ?2
                   ORDER BY revision DESC LIMIT 1";
        let mut statement = self.0.prepare_cached(sql)?;
        let newest =
            statement.query_row(params![row, signed(TOMBSTONE_REVISION)], |row| Ok((row.get(0)?, get_bytes(row, 1)?)));
        newest.optional()
    }

    /// At most `limit` of the events `first..=last` of the stream in `row`.
    pub(crate) fn stream_page(
        &self,
        stream: &Arc<str>,
        row: i64,
        (first, last): (u64, u64),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Arc<StoredEvent>>, rusqlite::Error> {
        let sql = match direction {
            Direction::Forwards => {
                "SELECT position, revision, id, type, json, created, data, metadata FROM events
                 WHERE stream = ?1 AND revision BETWEEN ?2 AND ?3 ORDER BY revision LIMIT ?4"
            }
            Direction::Backwards => {
                "SELECT position, revision, id, type, json, created, data, metadata FROM events
                 WHERE stream = ?1 AND revision BETWEEN ?2 AND ?3 ORDER BY revision DESC LIMIT ?4"
            }
        };
        let mut statement = self.0.prepare_cached(sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![row, signed(first), signed(last), limit])?;
        let mut page = Vec::new();
        let mut bytes = 0;
        while bytes < PAGE_BYTES
            && let Some(row) = rows.next()?
        {
            let event = event_from(row, Arc::clone(stream))?;
            bytes += event.data.len() + event.metadata.len();
            page.push(Arc::new(event));
        }
        Ok(page)
    }

    /// Goes over all events with positions in `first..=last`, and over at most `limit` of them. `wanted` is asked with
    /// an event's stream and type.
    pub(crate) fn scan<E: From<rusqlite::Error>>(
        &self,
        (first, last): (u64, u64),
        direction: Direction,
        limit: usize,
        mut wanted: impl FnMut(&str, &str) -> Result<bool, E>,
    ) -> Result<Vec<Considered>, E> {
        let sql = match direction {
            Direction::Forwards => {
                "SELECT position, revision, e.id, type, json, created, data, metadata, name
                 FROM events e JOIN streams s ON s.id = e.stream
                 WHERE position BETWEEN ?1 AND ?2 ORDER BY position LIMIT ?3"
            }
            Direction::Backwards => {
                "SELECT position, revision, e.id, type, json, created, data, metadata, name
                 FROM events e JOIN streams s ON s.id = e.stream
                 WHERE position BETWEEN ?1 AND ?2 ORDER BY position DESC LIMIT ?3"
            }
        };
        let mut statement = self.0.prepare_cached(sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![signed(first), signed(last), limit])?;
        let mut considered = Vec::new();
        let mut bytes = 0;
        while bytes < PAGE_BYTES
            && let Some(row) = rows.next()?
        {
            let position = get_u64(row, 0)?;
            let event_type = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
            let stream = row.get_ref(8)?.as_str().map_err(rusqlite::Error::from)?;
            let event = if !is_hidden(stream) && wanted(stream, event_type)? {
                let event = event_from(row, Arc::from(stream))?;
                bytes += event.data.len() + event.metadata.len();
                Some(Resolved::Event(Arc::new(event)))
            } else {
                None
            };
            considered.push(Considered { position, event });
        }
        Ok(considered)
    }

    /// Puts what a link points at beside it. Other events, and links that cannot be understood, stay as they are.
    pub(crate) fn resolve(&self, event: Arc<StoredEvent>) -> Result<Resolved, rusqlite::Error> {
        let Some((revision, stream)) = link_target(&event) else {
            return Ok(Resolved::Event(event));
        };
        let target = match self.range(stream)? {
            StreamRange::Readable { row, first, last } if (first..=last).contains(&revision) => {
                let stream = Arc::from(stream);
                let one = (revision, revision);
                self.stream_page(&stream, row, one, Direction::Forwards, 1)?.pop()
            }
            _ => None,
        };
        Ok(Resolved::Link { link: event, target })
    }
}

/// Whether EventStoreDB leaves the stream's events out of `$all`.
pub(crate) fn is_hidden(stream: &str) -> bool {
    stream.strip_prefix(HIDDEN_PREFIX).is_some_and(|rest| HIDDEN_SUFFIXES.iter().any(|suffix| rest.ends_with(suffix)))
}

/// The revision and stream that a link's data, `N@stream`, names.
fn link_target(event: &StoredEvent) -> Option<(u64, &str)> {
    if !is_link(&event.event_type) {
        return None;
    }
    let (revision, stream) = std::str::from_utf8(&event.data).ok()?.split_once('@')?;
    Some((revision.parse().ok()?, stream))
}

fn event_from(row: &Row<'_>, stream: Arc<str>) -> Result<StoredEvent, rusqlite::Error> {
    Ok(StoredEvent {
        position: get_u64(row, 0)?,
        stream,
        revision: get_u64(row, 1)?,
        id: get_id(row, 2)?,
        event_type: row.get(3)?,
        is_json: row.get(4)?,
        created: row.get(5)?,
        data: get_bytes(row, 6)?,
        metadata: get_bytes(row, 7)?,
        encoded: [OnceLock::new(), OnceLock::new()],
    })
}

/// How far a record reaches whose names and contents have this many bytes.
pub(super) fn record_size(content: u64) -> u64 {
    content.saturating_add(RECORD_OVERHEAD)
}

/// Revisions and positions fit SQLite's signed integers; a greater number from a client means "beyond the last".
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn get_u64(row: &Row<'_>, column: usize) -> Result<u64, rusqlite::Error> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

fn get_id(row: &Row<'_>, column: usize) -> Result<Uuid, rusqlite::Error> {
    let bytes: [u8; 16] = row.get(column)?;
    Ok(Uuid::from_bytes(bytes))
}

fn get_bytes(row: &Row<'_>, column: usize) -> Result<Bytes, rusqlite::Error> {
    let blob = row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(Bytes::copy_from_slice(blob))
}
