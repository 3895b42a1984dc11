//! What events should have led to in other domains and have not: found by comparing, so that it is found as well what
//! no event announces any more.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shared_kernel::Revision;
use tokio_postgres::GenericClient;
use uuid::Uuid;

use crate::event_store::EventStore;
use crate::postgres::{Database, DatabaseError};

/// How many are listed, and finished after one comparison, at most.
pub const AT_ONCE: usize = 1_000;

/// What is missing for so long is not on its way.
const PATIENCE: Duration = Duration::from_secs(2);

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unfinished {
    /// What is missing, in a word such as `sealWithoutDeparture`.
    pub kind: &'static str,
    /// What it is missing of.
    pub key: Uuid,
    /// Since when; `None` if that is not known.
    pub since: Option<Timestamp>,
}

/// What a comparison has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// What is missing, at most [`AT_ONCE`].
    pub unfinished: Vec<Unfinished>,
    /// The key after which things were compared; `None` from the first on.
    pub after: Option<Uuid>,
    /// The key up to which things were compared, where the next comparison goes on; `None` if there are no more.
    pub up_to: Option<Uuid>,
}

/// What things are compared with.
#[derive(Clone)]
pub struct Surroundings {
    /// The database of the domain.
    pub database: Database,
    /// The event store.
    pub event_store: Arc<EventStore>,
    /// The stream of the domain.
    pub stream: &'static str,
}

impl Surroundings {
    /// Waits for so long that what is still missing afterwards is not on its way.
    pub async fn let_pass_what_is_on_its_way(&self) {
        tokio::time::sleep(PATIENCE).await;
    }

    /// When an event of the domain was recorded; `None` if that cannot be found out.
    pub async fn recorded_at(&self, revision: Revision) -> Option<Timestamp> {
        Some(self.event_store.event_at(self.stream, revision).await.ok()?.created)
    }
}

/// Something that is missing, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Who has found it.
    pub reader: String,
    /// What is missing.
    pub kind: String,
    /// What it is missing of.
    pub key: Uuid,
    /// Since when, as far as that is known.
    pub since: Timestamp,
}

/// What the last comparisons have found that is not finished since, the oldest first, at most [`AT_ONCE`].
///
/// # Errors
/// [`DatabaseError`].
pub async fn list(database: &Database) -> Result<Vec<Known>, DatabaseError> {
    let client = database.client().await?;
    let sql = "SELECT reader, kind, key, since FROM unfinished_business ORDER BY since, kind, key LIMIT $1";
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let rows = client.query(sql, &[&limit]).await?;
    let known = rows.iter().map(|row| {
        Ok(Known { reader: row.try_get(0)?, kind: row.try_get(1)?, key: row.try_get(2)?, since: row.try_get(3)? })
    });
    Ok(known.collect::<Result<_, tokio_postgres::Error>>()?)
}

/// Keeps what a comparison has found, and lets go of what it has not found any more.
pub(crate) async fn keep(
    client: &impl GenericClient,
    reader: &str,
    found: &Found,
) -> Result<(), tokio_postgres::Error> {
    let kinds: Vec<_> = found.unfinished.iter().map(|unfinished| unfinished.kind).collect();
    let keys: Vec<_> = found.unfinished.iter().map(|unfinished| unfinished.key).collect();
    let since: Vec<_> = found.unfinished.iter().map(|unfinished| unfinished.since).collect();
    client
        .execute(
            "DELETE FROM unfinished_business
             WHERE reader = $1 AND ($2::uuid IS NULL OR key > $2) AND ($3::uuid IS NULL OR key <= $3)
                 AND (kind, key) NOT IN (SELECT * FROM unnest($4::text[], $5::uuid[]))",
            &[&reader, &found.after, &found.up_to, &kinds, &keys],
        )
        .await?;
    client
        .execute(
            "INSERT INTO unfinished_business (reader, kind, key, since)
             SELECT $1, kind, key, coalesce(since, now())
             FROM unnest($2::text[], $3::uuid[], $4::timestamptz[]) AS found (kind, key, since)
             ON CONFLICT DO NOTHING",
            &[&reader, &kinds, &keys, &since],
        )
        .await?;
    Ok(())
}

/// Lets go of what is finished.
pub(crate) async fn is_finished(
    client: &impl GenericClient,
    reader: &str,
    Unfinished { kind, key, .. }: &Unfinished,
) -> Result<(), tokio_postgres::Error> {
    let sql = "DELETE FROM unfinished_business WHERE reader = $1 AND kind = $2 AND key = $3";
    client.execute(sql, &[&reader, kind, key]).await?;
    Ok(())
}
