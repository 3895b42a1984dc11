//! Rebuilding a read model without downtime: its rows are written anew, into tables beside those that are shown, which
//! take their place in one moment.

mod beside;

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use shared_kernel::Revision;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{GenericClient, Row};

use crate::parking::Count;
use crate::postgres::{Database, DatabaseError, Parsed, UnknownValue};
use crate::worker::WorkError;

pub(crate) use beside::{Beside, Switched};

/// Who asks for a rebuild that nobody has asked for.
pub(crate) const BECAUSE_OF_ITS_VERSION: &str = "a new version of the projection";

/// How a rebuild is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RebuildStatus {
    /// It goes on, or waits for an instance that leads.
    Running,
    /// Its rows are shown.
    Done,
    /// It was given up, and what was shown before still is.
    Failed,
}

/// The last rebuild of a read model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rebuild {
    /// How it is going.
    pub status: RebuildStatus,
    /// How many events are in the tables beside those that are shown.
    pub events: usize,
    /// How many events there are.
    pub of: usize,
    /// In how many seconds it will be done if it goes on as it has; `None` if that is not known.
    pub seconds_left: Option<u64>,
    /// Why it has failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who has asked for it.
    pub asked_by: String,
    /// When that was.
    pub asked_at: Timestamp,
    /// When it was done, or failed.
    pub ended_at: Option<Timestamp>,
}

/// A status, as it is stored.
struct Status(RebuildStatus);

impl FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "running" => Ok(Self(RebuildStatus::Running)),
            "done" => Ok(Self(RebuildStatus::Done)),
            "failed" => Ok(Self(RebuildStatus::Failed)),
            _ => Err(()),
        }
    }
}

const COLUMNS: &str = "status, events, of_events, events_per_second, reason, asked_by, asked_at, ended_at";

impl Rebuild {
    /// The last rebuild of the tables that the projection with this name writes; `None` if there was none.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn last(database: &Database, projection: &str) -> Result<Option<Self>, DatabaseError> {
        let client = database.client().await?;
        let sql = format!("SELECT {COLUMNS} FROM rebuilds WHERE reader = $1");
        Ok(client.query_opt(&sql, &[&projection]).await?.map(|row| Self::read(&row)).transpose()?)
    }

    /// Asks for one, which whichever instance of the projection leads carries out. `None` if one is running already.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn ask(database: &Database, projection: &str, asked_by: &str) -> Result<Option<Self>, DatabaseError> {
        let client = database.client().await?;
        ask(&**client, projection, asked_by).await
    }

    fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let (Parsed(Status(status)), Count(events), Count(of)) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let rate: Option<Rate> = row.try_get(3)?;
        let seconds_left = match status {
            RebuildStatus::Running => rate.and_then(|rate| rate.time_for(of.saturating_sub(events))),
            RebuildStatus::Done => Some(Duration::ZERO),
            RebuildStatus::Failed => None,
        };
        Ok(Self {
            status,
            events,
            of,
            seconds_left: seconds_left.map(|left| left.as_secs() + u64::from(left.subsec_nanos() > 0)),
            reason: row.try_get(4)?,
            asked_by: row.try_get(5)?,
            asked_at: row.try_get(6)?,
            ended_at: row.try_get(7)?,
        })
    }
}

/// Asks for a rebuild, unless one is running.
pub(crate) async fn ask(
    client: &impl GenericClient,
    projection: &str,
    asked_by: &str,
) -> Result<Option<Rebuild>, DatabaseError> {
    let sql = format!(
        "INSERT INTO rebuilds (reader, version, status, of_events, asked_by)
         VALUES ($1, 0, 'running', coalesce((SELECT revision + 1 FROM checkpoints WHERE name = $1), 0), $2)
         ON CONFLICT (reader) DO UPDATE SET version = 0, status = 'running', shape = NULL, made_at = NULL, events = 0,
             of_events = excluded.of_events, events_per_second = NULL, reason = NULL, asked_by = excluded.asked_by,
             asked_at = excluded.asked_at, ended_at = NULL
         WHERE rebuilds.status <> 'running' RETURNING {COLUMNS}"
    );
    Ok(client.query_opt(&sql, &[&projection, &asked_by]).await?.map(|row| Rebuild::read(&row)).transpose()?)
}

/// Whether a rebuild was asked for, and is neither done nor given up.
pub(crate) async fn is_running(client: &impl GenericClient, projection: &str) -> Result<bool, DatabaseError> {
    let sql = "SELECT FROM rebuilds WHERE reader = $1 AND status = 'running'";
    Ok(client.query_opt(sql, &[&projection]).await?.is_some())
}

/// Notes how far it has come, in a stream that ends with the event `last`.
pub(crate) async fn has_come_to(
    client: &impl GenericClient,
    projection: &str,
    [reached, last]: [Option<Revision>; 2],
    events_per_second: Option<f64>,
) -> Result<(), DatabaseError> {
    let [events, of] = [reached, last]
        .map(|revision| i64::try_from(revision.map_or(0, |revision| revision.0.saturating_add(1))).unwrap_or(i64::MAX));
    let sql = "UPDATE rebuilds SET events = $2, of_events = greatest($2::bigint, $3::bigint),
            events_per_second = coalesce($4::float8, events_per_second) WHERE reader = $1 AND status = 'running'";
    client.execute(sql, &[&projection, &events, &of, &events_per_second]).await?;
    Ok(())
}

/// Notes that it is given up.
pub(crate) async fn has_failed(
    client: &impl GenericClient,
    projection: &str,
    reason: &str,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE rebuilds SET status = 'failed', reason = $2, ended_at = now()
        WHERE reader = $1 AND status = 'running'";
    client.execute(sql, &[&projection, &reason]).await?;
    Ok(())
}

/// Why a rebuild stops.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RebuildError {
    /// As with any reader.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The tables have something that would be lost.
    #[error("the table {table} has {what}, which a rebuild cannot carry over")]
    NotCarriedOver { table: String, what: &'static str },
}

impl RebuildError {
    /// Whether trying again changes nothing, until somebody mends something.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Work(WorkError::Database(error)) => !matches!(error, DatabaseError::Unavailable(_)),
            Self::Work(_) => false,
            Self::NotCarriedOver { .. } => true,
        }
    }
}

impl From<tokio_postgres::Error> for RebuildError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Work(error.into())
    }
}

impl From<DatabaseError> for RebuildError {
    fn from(error: DatabaseError) -> Self {
        Self::Work(error.into())
    }
}

/// Events a second, more than none. Reading any other number is an error.
struct Rate(f64);

impl Rate {
    fn time_for(&self, events: usize) -> Option<Duration> {
        #[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
        Duration::try_from_secs_f64(events as f64 / self.0).ok()
    }
}

impl<'row> FromSql<'row> for Rate {
    fn from_sql(column: &Type, raw: &'row [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let rate = f64::from_sql(column, raw)?;
        if rate > 0.0 { Ok(Self(rate)) } else { Err(UnknownValue.into()) }
    }

    fn accepts(column: &Type) -> bool {
        f64::accepts(column)
    }
}
