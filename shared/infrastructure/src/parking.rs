//! Events that a reader could not process: kept, visible, and replayable in order.

mod discarded;

use std::collections::HashSet;
use std::error::Error;
use std::time::SystemTime;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use shared_kernel::{DomainEvent, Revision};
use shared_trace::{Failure, TraceParent};
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use crate::event_store::Recorded;
use crate::postgres::{Database, DatabaseError, StoredRevision, UnknownValue, to_bigint};
use crate::reader::Unprocessable;

pub use discarded::{DiscardedEvent, DiscardedPlace, list_discarded, readers_of};
pub(crate) use discarded::{discard, discarded_after};

/// An event that waits to be replayed. Its data stays in the event store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParkedEvent {
    /// The reader that could not process it.
    pub reader: String,
    /// Its number in the stream.
    pub event_number: Revision,
    /// What it is about.
    pub key: Uuid,
    /// Its identifier.
    pub event_id: Uuid,
    /// Its type.
    pub event_type: String,
    /// Why it is parked.
    pub reason: String,
    /// Since when.
    pub parked_at: Timestamp,
}

/// Why an event is parked that could be processed.
pub(crate) const BEHIND_ANOTHER: &str = "an earlier event about the same thing is parked";

/// How many parked events a replay takes on together, and then sees how much time is left.
const AT_ONCE: i64 = 100;

/// A part of a list of events of all readers in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted<T> {
    /// By reader, and the oldest of each first.
    pub events: Vec<T>,
    /// How many there are of all readers.
    pub total: usize,
}

/// A place in the list of parked events: a reader, and the number of an event.
pub type ParkedPlace = (String, Revision);

impl ParkedEvent {
    /// Its place in the list.
    #[must_use]
    pub fn place(&self) -> ParkedPlace {
        (self.reader.clone(), self.event_number)
    }
}

/// Up to `limit` parked events that come after a place in the list.
///
/// # Errors
/// [`DatabaseError`].
pub async fn list(
    database: &Database,
    limit: usize,
    after: Option<ParkedPlace>,
) -> Result<Counted<ParkedEvent>, DatabaseError> {
    let client = database.client().await?;
    let (reader, revision) = after.map_or_else(Default::default, |(reader, revision)| (reader, Some(revision)));
    let sql = "SELECT reader, revision, key, event_id, event_type, reason, parked_at FROM parked_events
        WHERE (reader, revision) > ($1, $2) ORDER BY reader, revision LIMIT $3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = client.query(sql, &[&reader, &to_bigint(revision), &limit]).await?;
    let Count(total) = client.query_one("SELECT count(*) FROM parked_events", &[]).await?.try_get(0)?;
    Ok(Counted { events: rows.iter().map(parked_event).collect::<Result<_, _>>()?, total })
}

/// The parked event with this identifier. Several readers may have parked it; this is one of theirs.
///
/// # Errors
/// [`DatabaseError`].
pub async fn find(database: &Database, event_id: Uuid) -> Result<Option<ParkedEvent>, DatabaseError> {
    let sql = "SELECT reader, revision, key, event_id, event_type, reason, parked_at FROM parked_events
        WHERE event_id = $1 ORDER BY reader LIMIT 1";
    let row = database.client().await?.query_opt(sql, &[&event_id]).await?;
    Ok(row.as_ref().map(parked_event).transpose()?)
}

/// How many rows there would be without a limit, from a column of that name.
fn total(rows: &[Row]) -> Result<usize, tokio_postgres::Error> {
    let Some(row) = rows.first() else { return Ok(0) };
    let Count(total) = row.try_get("total")?;
    Ok(total)
}

/// A `bigint` column that counts something. Reading a negative one is an error.
pub(crate) struct Count(pub(crate) usize);

impl<'row> FromSql<'row> for Count {
    fn from_sql(column: &Type, raw: &'row [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(i64::from_sql(column, raw)?.try_into().map_err(|_| UnknownValue)?))
    }

    fn accepts(column: &Type) -> bool {
        i64::accepts(column)
    }
}

fn parked_event(row: &Row) -> Result<ParkedEvent, tokio_postgres::Error> {
    let StoredRevision(event_number) = row.try_get("revision")?;
    Ok(ParkedEvent {
        reader: row.try_get("reader")?,
        event_number,
        key: row.try_get("key")?,
        event_id: row.try_get("event_id")?,
        event_type: row.try_get("event_type")?,
        reason: row.try_get("reason")?,
        parked_at: row.try_get("parked_at")?,
    })
}

/// What has parked events: later events about the same thing have to wait behind them.
pub(crate) async fn keys(client: &impl GenericClient, reader: &str) -> Result<HashSet<Uuid>, DatabaseError> {
    keys_after(client, reader, None).await
}

/// What has parked events with numbers beyond `after`.
pub(crate) async fn keys_after(
    client: &impl GenericClient,
    reader: &str,
    after: Option<Revision>,
) -> Result<HashSet<Uuid>, DatabaseError> {
    let sql = "SELECT DISTINCT key FROM parked_events WHERE reader = $1 AND revision > $2";
    ids(client, sql, reader, after).await
}

/// What has parked events with numbers up to this one.
pub(crate) async fn keys_up_to(
    client: &impl GenericClient,
    reader: &str,
    up_to: Option<Revision>,
) -> Result<HashSet<Uuid>, DatabaseError> {
    let sql = "SELECT DISTINCT key FROM parked_events WHERE reader = $1 AND revision <= $2";
    ids(client, sql, reader, up_to).await
}

async fn ids(
    client: &impl GenericClient,
    sql: &str,
    reader: &str,
    revision: Option<Revision>,
) -> Result<HashSet<Uuid>, DatabaseError> {
    let rows = client.query(sql, &[&reader, &to_bigint(revision)]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// A parked event that is to be replayed.
pub(crate) struct Waiting {
    pub(crate) revision: Revision,
    pub(crate) key: Uuid,
    pub(crate) event_id: Uuid,
}

/// A reader's parked events after this one, oldest first, as many as a replay looks at together, and how many there are
/// beyond.
pub(crate) async fn oldest(
    client: &impl GenericClient,
    reader: &str,
    after: Option<Revision>,
) -> Result<(Vec<Waiting>, usize), DatabaseError> {
    let sql = "SELECT revision, key, event_id, count(*) OVER () AS total
        FROM parked_events WHERE reader = $1 AND revision > $3 ORDER BY revision LIMIT $2";
    let rows = client.query(sql, &[&reader, &AT_ONCE, &to_bigint(after)]).await?;
    let beyond = total(&rows)?.saturating_sub(rows.len());
    let parked = rows.iter().map(|row| {
        let StoredRevision(revision) = row.try_get(0)?;
        Ok(Waiting { revision, key: row.try_get(1)?, event_id: row.try_get(2)? })
    });
    Ok((parked.collect::<Result<_, tokio_postgres::Error>>()?, beyond))
}

/// Which event is parked.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) revision: Revision,
    pub(crate) event_id: Uuid,
    pub(crate) event_type: String,
    /// Its data, shared with where it was read.
    data: Bytes,
    /// The span that its command belongs to.
    parent: Option<TraceParent>,
}

impl Subject {
    pub(crate) fn of(recorded: &Recorded) -> Self {
        let Recorded { revision, event_id, ref event_type, ref data, .. } = *recorded;
        let parent =
            if shared_trace::is_on() { recorded.metadata().ok().and_then(|of| of.trace_parent()) } else { None };
        Self { revision, event_id, event_type: event_type.clone(), data: data.clone(), parent }
    }
}

/// Parks an event. One that is parked for a reason of its own keeps that when it is found behind another.
pub(crate) async fn park(
    client: &impl GenericClient,
    reader: &str,
    Subject { revision, event_id, event_type, data, parent }: &Subject,
    Unprocessable { key, reason }: &Unprocessable,
) -> Result<(), tokio_postgres::Error> {
    let (number, names) = (to_bigint(Some(*revision)), names(data));
    let (event_type, reason) = (storable(event_type), storable(reason));
    let changed = client
        .execute(
            "INSERT INTO parked_events (reader, revision, key, event_id, event_type, reason, names)
             VALUES ($1, $2, $3, $4, $5, $6, $8)
             ON CONFLICT (reader, revision) DO UPDATE SET key = excluded.key, event_id = excluded.event_id,
                 event_type = excluded.event_type, reason = excluded.reason, names = excluded.names
             WHERE excluded.reason <> $7 OR parked_events.event_id <> excluded.event_id",
            &[&reader, &number, key, event_id, &event_type, &reason, &BEHIND_ANOTHER, &names],
        )
        .await?;
    if changed > 0 {
        tracing::error!(
            reader, event.revision = %revision, event.id = %event_id, event.r#type = %event_type, reason,
            "parked an event that could not be processed; replay it once the cause is mended"
        );
        let attributes = [
            ("messaging.consumer.group.name", reader.to_owned()),
            ("messaging.message.id", event_id.to_string()),
            ("event.type", event_type.clone()),
            ("event.revision", revision.to_string()),
        ];
        let (name, kind) = (format!("park {reader}"), "parked".to_owned());
        let failure =
            Failure { name, is_request: false, began: SystemTime::now(), kind, attributes: attributes.into() };
        failure.record(*parent);
    }
    Ok(())
}

/// Says anew why a parked event stays parked.
pub(crate) async fn keep(
    client: &impl GenericClient,
    reader: &str,
    revision: Revision,
    reason: &str,
) -> Result<(), tokio_postgres::Error> {
    let sql = "UPDATE parked_events SET reason = $3 WHERE reader = $1 AND revision = $2";
    let reason = storable(reason);
    // Not if it was discarded meanwhile.
    if client.execute(sql, &[&reader, &to_bigint(Some(revision)), &reason]).await? > 0 {
        tracing::error!(reader, event.revision = %revision, reason, "replayed an event that still cannot be processed");
    }
    Ok(())
}

/// Lets go of all parked events of a reader: they are of another history.
pub(crate) async fn forget(client: &impl GenericClient, reader: &str) -> Result<(), tokio_postgres::Error> {
    client.execute("DELETE FROM parked_events WHERE reader = $1", &[&reader]).await?;
    Ok(())
}

pub(crate) async fn release(
    client: &impl GenericClient,
    reader: &str,
    revision: Revision,
) -> Result<(), tokio_postgres::Error> {
    let revision = to_bigint(Some(revision));
    client.execute("DELETE FROM parked_events WHERE reader = $1 AND revision = $2", &[&reader, &revision]).await?;
    Ok(())
}

/// What an event is about when it cannot be decoded: the value of its key field, or else itself.
pub(crate) fn key_of_undecodable<E: DomainEvent>(recorded: &Recorded) -> Uuid {
    fields(&recorded.data).get(E::KEY_FIELD).and_then(id).unwrap_or(recorded.event_id)
}

/// The identifiers that an event's data names, which are of things that it may have changed.
fn names(data: &[u8]) -> Vec<Uuid> {
    fields(data).values().filter_map(id).collect()
}

/// None if the data cannot be read.
fn fields(data: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(data).unwrap_or_default()
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

/// The most characters that are kept of an event's type, or of the reason why it is parked.
const MOST_CHARACTERS: usize = 1_000;

/// A text as PostgreSQL takes it, which stores no NUL, and as long as people read.
fn storable(text: &str) -> String {
    let mut characters = text.chars();
    let mut kept = characters.by_ref().take(MOST_CHARACTERS).collect::<String>().replace('\0', r"\u0000");
    if characters.next().is_some() {
        kept.push('…');
    }
    kept
}
