//! Parked events that somebody has taken out for good, with who that was, and why.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared_kernel::Revision;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::{Count, Counted, ids};
use crate::postgres::{Database, DatabaseError, StoredRevision, to_bigint};
use crate::worker::Discard;

/// A parked event that was taken out for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscardedEvent {
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
    /// Why it was parked.
    pub parked_because: String,
    /// Since when.
    pub parked_at: Timestamp,
    /// Why it was discarded.
    pub reason: String,
    /// By whom.
    pub discarded_by: String,
    /// When.
    pub discarded_at: Timestamp,
}

/// A place in the list of discarded events: a reader, the number of an event, and its identifier.
pub type DiscardedPlace = (String, Revision, Uuid);

impl DiscardedEvent {
    /// Its place in the list.
    #[must_use]
    pub fn place(&self) -> DiscardedPlace {
        (self.reader.clone(), self.event_number, self.event_id)
    }
}

/// Up to `limit` discarded events that come after a place in the list.
///
/// # Errors
/// [`DatabaseError`].
pub async fn list_discarded(
    database: &Database,
    limit: usize,
    after: Option<DiscardedPlace>,
) -> Result<Counted<DiscardedEvent>, DatabaseError> {
    let client = database.client().await?;
    let (reader, revision, id) =
        after.map_or_else(Default::default, |(reader, revision, id)| (reader, Some(revision), id));
    let sql = "SELECT reader, revision, event_id, key, event_type, parked_because, parked_at, reason, discarded_by,
            discarded_at
        FROM discarded_events WHERE (reader, revision, event_id) > ($1, $2, $3)
        ORDER BY reader, revision, event_id LIMIT $4";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = client.query(sql, &[&reader, &to_bigint(revision), &id, &limit]).await?;
    let Count(total) = client.query_one("SELECT count(*) FROM discarded_events", &[]).await?.try_get(0)?;
    Ok(Counted { events: rows.iter().map(discarded_event).collect::<Result<_, _>>()?, total })
}

fn discarded_event(row: &Row) -> Result<DiscardedEvent, tokio_postgres::Error> {
    let StoredRevision(event_number) = row.try_get("revision")?;
    Ok(DiscardedEvent {
        reader: row.try_get("reader")?,
        event_number,
        key: row.try_get("key")?,
        event_id: row.try_get("event_id")?,
        event_type: row.try_get("event_type")?,
        parked_because: row.try_get("parked_because")?,
        parked_at: row.try_get("parked_at")?,
        reason: row.try_get("reason")?,
        discarded_by: row.try_get("discarded_by")?,
        discarded_at: row.try_get("discarded_at")?,
    })
}

/// The readers that have parked the event with this identifier.
///
/// # Errors
/// [`DatabaseError`].
pub async fn readers_of(database: &Database, event_id: Uuid) -> Result<Vec<String>, DatabaseError> {
    let sql = "SELECT DISTINCT reader FROM parked_events WHERE event_id = $1 ORDER BY reader";
    let rows = database.client().await?.query(sql, &[&event_id]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// Takes a parked event out for good, and keeps who wanted it and why. It may have been discarded before, and parked
/// again since by a reader that began anew.
pub(crate) async fn discard(
    client: &impl GenericClient,
    reader: &str,
    Discard { event_id, reason, discarded_by }: &Discard,
) -> Result<Vec<DiscardedEvent>, DatabaseError> {
    let sql = "WITH parked AS (DELETE FROM parked_events WHERE reader = $1 AND event_id = $2 RETURNING *)
        INSERT INTO discarded_events
            (reader, revision, event_id, key, event_type, parked_because, parked_at, reason, discarded_by)
        SELECT reader, revision, event_id, key, event_type, reason, parked_at, $3, $4 FROM parked
        ON CONFLICT (reader, revision, event_id) DO UPDATE SET parked_because = excluded.parked_because,
            parked_at = excluded.parked_at, reason = excluded.reason, discarded_by = excluded.discarded_by,
            discarded_at = excluded.discarded_at
        RETURNING *";
    let rows = client.query(sql, &[&reader, event_id, reason, discarded_by]).await?;
    let discarded: Vec<DiscardedEvent> = rows.iter().map(discarded_event).collect::<Result<_, _>>()?;
    for event in &discarded {
        tracing::warn!(
            reader, event.revision = %event.event_number, event.id = %event_id, event.r#type = event.event_type,
            "discarded a parked event; it is not processed any more"
        );
    }
    Ok(discarded)
}

/// The events beyond a checkpoint that were discarded.
pub(crate) async fn discarded_after(
    client: &impl GenericClient,
    reader: &str,
    after: Option<Revision>,
) -> Result<HashSet<Uuid>, DatabaseError> {
    let sql = "SELECT DISTINCT event_id FROM discarded_events WHERE reader = $1 AND revision > $2";
    ids(client, sql, reader, after).await
}
