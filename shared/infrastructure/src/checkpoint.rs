//! How far a reader of a stream has come, compared and set so that one that is no longer alone cannot write.

use std::error::Error;

use shared_kernel::Revision;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{GenericClient, Row, Statement};
use uuid::Uuid;

use crate::event_store::Recorded;
use crate::postgres::{DatabaseError, StoredRevision, to_bigint};

/// The channel on which a moved checkpoint is announced, as `<reader>:<revision>`.
pub(crate) const CHANNEL: &str = "jetbridge_checkpoint";

/// A checkpoint as a `bigint` column holds it: -1 before the first event. Reading any other negative number is an
/// error.
pub(crate) struct Checkpoint(pub(crate) Option<Revision>);

impl<'row> FromSql<'row> for Checkpoint {
    fn from_sql(column: &Type, raw: &'row [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match i64::from_sql(column, raw)? {
            -1 => Ok(Self(None)),
            _ => StoredRevision::from_sql(column, raw).map(|StoredRevision(revision)| Self(Some(revision))),
        }
    }

    fn accepts(column: &Type) -> bool {
        i64::accepts(column)
    }
}

/// The event up to which a reader has come: its number, and its identifier, by which another history is told from the
/// one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) revision: Revision,
    /// `None` in a checkpoint that was saved by software that saves none.
    pub(crate) event_id: Option<Uuid>,
}

impl Mark {
    pub(crate) fn at(recorded: &Recorded) -> Self {
        Self { revision: recorded.revision, event_id: Some(recorded.event_id) }
    }
}

/// Reads a reader's checkpoint, creating it before the first event if it is not there.
pub(crate) async fn load(client: &impl GenericClient, reader: &str) -> Result<Option<Mark>, DatabaseError> {
    client
        .execute("INSERT INTO checkpoints (name, revision) VALUES ($1, -1) ON CONFLICT DO NOTHING", &[&reader])
        .await?;
    let sql = "SELECT revision, CASE WHEN identified_revision = revision THEN event_id END
        FROM checkpoints WHERE name = $1";
    let row = client.query_one(sql, &[&reader]).await?;
    let (Checkpoint(revision), event_id) = (row.try_get(0)?, row.try_get(1)?);
    Ok(revision.map(|revision| Mark { revision, event_id }))
}

/// The statement for [`advance`], to be prepared once.
pub(crate) const ADVANCE: &str = "UPDATE checkpoints SET revision = $3, event_id = $5, identified_revision = $3,
         versioned_revision = $3, rebuilt_until = CASE WHEN rebuilt_until > $3 THEN rebuilt_until END
     WHERE name = $1 AND revision = $2 RETURNING pg_notify($4, name || ':' || revision)";

/// The same for rows that nobody is shown yet: it is not announced.
pub(crate) const ADVANCE_UNSEEN: &str = "UPDATE checkpoints SET revision = $3, event_id = $5, identified_revision = $3,
         versioned_revision = $3
     WHERE name = $1 AND revision = $2 RETURNING $4::text";

/// Moves a checkpoint from `from` to `to`. Answers whether it stood at `from`; if not, somebody else has moved it.
pub(crate) async fn advance(
    client: &impl GenericClient,
    statement: &Statement,
    reader: &str,
    from: Option<Mark>,
    to: Option<Mark>,
) -> Result<bool, tokio_postgres::Error> {
    let event_id = to.and_then(|mark| mark.event_id);
    let [from, to] = [from, to].map(|mark| to_bigint(mark.map(|mark| mark.revision)));
    Ok(client.query_opt(statement, &[&reader, &from, &to, &CHANNEL, &event_id]).await?.is_some())
}

/// Moves a checkpoint from `from` to before the first event of another history, and says up to where that has to be
/// worked on until the reader's work may be shown. Answers whether it stood at `from`.
pub(crate) async fn begin_anew(
    client: &impl GenericClient,
    reader: &str,
    from: Option<Mark>,
    until: Option<Revision>,
) -> Result<bool, tokio_postgres::Error> {
    let sql = "UPDATE checkpoints SET revision = -1, event_id = NULL, identified_revision = NULL, rebuilt_until = $3
        WHERE name = $1 AND revision = $2 RETURNING pg_notify($4, name || ':-1')";
    let (from, until) = (to_bigint(from.map(|mark| mark.revision)), until.map(|until| to_bigint(Some(until))));
    Ok(client.query_opt(sql, &[&reader, &from, &until, &CHANNEL]).await?.is_some())
}

/// Which version of a projection has written all rows up to its checkpoint; `None` if more than one has.
pub(crate) async fn version(client: &impl GenericClient, reader: &str) -> Result<Option<u16>, DatabaseError> {
    // Software that knows no versions writes in the first.
    let sql = "SELECT CASE WHEN coalesce(projection_version, 1) = 1 THEN 1
            WHEN versioned_revision = revision THEN projection_version ELSE 0 END FROM checkpoints WHERE name = $1";
    let version: i32 = client.query_one(sql, &[&reader]).await?.try_get(0)?;
    Ok(u16::try_from(version).ok().filter(|version| *version > 0))
}

/// Notes which version of a projection has written all rows up to its checkpoint, or that more than one has.
pub(crate) async fn set_version(
    client: &impl GenericClient,
    reader: &str,
    version: Option<u16>,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE checkpoints SET projection_version = $2, versioned_revision = revision WHERE name = $1";
    client.execute(sql, &[&reader, &i32::from(version.unwrap_or(0))]).await?;
    Ok(())
}

/// How far what a reader has written may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Up to here.
    UpTo(Option<Revision>),
    /// Not at all: it is made anew, because it was of another history.
    BeingRebuilt,
}

/// The statement for [`read`], to be prepared once. A table that an older version has made has no `rebuilt_until`.
pub(crate) const READ: &str =
    "SELECT revision, to_jsonb(checkpoints) ->> 'rebuilt_until' IS NOT NULL FROM checkpoints WHERE name = $1";

/// Reads a reader's checkpoint; one that is not there yet is before the first event.
pub(crate) async fn read(
    client: &impl GenericClient,
    statement: &Statement,
    reader: &str,
) -> Result<Shown, tokio_postgres::Error> {
    let row = client.query_opt(statement, &[&reader]).await?;
    row.map_or(Ok(Shown::UpTo(None)), |row| shown(&row))
}

/// The statement for [`read_about`], to be prepared once. Each of the two lowest numbers is found by an index of its
/// own; with `OFFSET 0` the second is not looked for along the primary key.
pub(crate) const READ_ABOUT: &str = "SELECT revision, to_jsonb(checkpoints) ->> 'rebuilt_until' IS NOT NULL, least(
         (SELECT min(revision) FROM parked_events WHERE reader = $1 AND key = $2),
         (SELECT min(revision) FROM (SELECT revision FROM parked_events
              WHERE reader = $1 AND names @> ARRAY[$2] OFFSET 0) AS naming))
     FROM checkpoints WHERE name = $1";

/// Reads a reader's checkpoint, and the number of the first event about a thing that it has parked, if there is one.
pub(crate) async fn read_about(
    client: &impl GenericClient,
    statement: &Statement,
    reader: &str,
    thing: Uuid,
) -> Result<(Shown, Option<Revision>), tokio_postgres::Error> {
    let Some(row) = client.query_opt(statement, &[&reader, &thing]).await? else {
        return Ok((Shown::UpTo(None), None));
    };
    let parked: Option<StoredRevision> = row.try_get(2)?;
    Ok((shown(&row)?, parked.map(|StoredRevision(revision)| revision)))
}

fn shown(row: &Row) -> Result<Shown, tokio_postgres::Error> {
    let (Checkpoint(revision), is_being_rebuilt) = (row.try_get(0)?, row.try_get(1)?);
    Ok(if is_being_rebuilt { Shown::BeingRebuilt } else { Shown::UpTo(revision) })
}
