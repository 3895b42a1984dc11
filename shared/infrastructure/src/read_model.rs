//! The read side of a domain's PostgreSQL tables: answers that say what they reflect, and wait for what they must
//! reflect.

mod changes;
mod column;
mod listing;
mod search;
mod snapshot;
mod table;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use deadpool_postgres::Object;
use shared_kernel::{QueryError, Revision};
use shared_telemetry::table::{READ_MODEL_STALE, READ_MODEL_WAIT};
use shared_telemetry::{Counter, Histogram};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::checkpoint::{self, CHANNEL, Shown};
use crate::limits;
use crate::postgres::{Database, DatabaseError, from_bigint, to_bigint};

pub use changes::{Changed, Changes};
pub use column::{Cell, Columns, Field, Filled, IdColumn, NameColumn, RevisionColumn, TextColumn};
pub use listing::Listing;
pub use search::SearchColumn;
pub use snapshot::{TableSnapshot, at_one_moment};
pub use table::{Rows, Table};

/// How often the checkpoint is read even if no notification has come.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// A domain's tables, and how far they have come.
#[derive(Clone)]
pub struct ReadModel {
    database: Database,
    stream: &'static str,
    projection: &'static str,
    checkpoint: watch::Receiver<Option<Revision>>,
    /// Where the checkpoint stood when it was last waited for in vain.
    stalled_at: Arc<AtomicI64>,
    waited: Histogram,
    stale: Counter,
}

/// An answer and what it reflects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reflecting<T> {
    /// The answer.
    pub value: T,
    /// At least every event up to this one is reflected.
    pub revision: Option<Revision>,
}

/// Follows a projection's checkpoint, so that waiting queries are woken when it moves.
pub struct CheckpointFollower {
    database: Database,
    projection: &'static str,
    checkpoint: watch::Sender<Option<Revision>>,
}

impl ReadModel {
    /// The tables that the projection of `stream` with this name writes to `database`, and the follower that has to run
    /// for queries that wait.
    #[must_use]
    pub fn new(database: Database, stream: &'static str, projection: &'static str) -> (Self, CheckpointFollower) {
        let (sender, checkpoint) = watch::channel(None);
        let follower = CheckpointFollower { database: database.clone(), projection, checkpoint: sender };
        let stalled_at = Arc::new(AtomicI64::new(i64::MIN));
        let (waited, stale) = (READ_MODEL_WAIT.of([stream]), READ_MODEL_STALE.of([stream]));
        (Self { database, stream, projection, checkpoint, stalled_at, waited, stale }, follower)
    }

    /// Waits a little for the tables to reach `revision`, for a query that does not say what it must reflect. So one
    /// that follows a command shows what the command did, as long as the projection keeps up. While it does not, nobody
    /// waits for it in vain a second time.
    pub async fn settle(&self, revision: Option<Revision>) {
        let mut checkpoint = self.checkpoint.clone();
        let reached = *checkpoint.borrow_and_update();
        if reached >= revision || self.stalled_at.load(Ordering::Relaxed) == to_bigint(reached) {
            return;
        }
        if timeout(limits::SETTLE, checkpoint.wait_for(|reached| *reached >= revision)).await.is_err() {
            let stalled_at = to_bigint(*self.checkpoint.borrow());
            self.stalled_at.store(stalled_at, Ordering::Relaxed);
        }
    }

    /// Runs a query that reflects at least `at_least`, waiting for it up to two seconds.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn query<T, F, Q>(&self, at_least: Option<Revision>, query: Q) -> Result<Reflecting<T>, QueryError>
    where
        Q: Fn(Object) -> F,
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        self.query_of(None, at_least, query).await
    }

    /// As [`ReadModel::query`], for a query of one thing: it has no answer that reflects an event about the thing as long
    /// as that is parked.
    ///
    /// # Errors
    /// [`QueryError`], [`QueryError::Parked`] too.
    pub async fn query_about<T, F, Q>(
        &self,
        thing: impl Into<Uuid>,
        at_least: Option<Revision>,
        query: Q,
    ) -> Result<Reflecting<T>, QueryError>
    where
        Q: Fn(Object) -> F,
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        self.query_of(Some(thing.into()), at_least, query).await
    }

    async fn query_of<T, F, Q>(
        &self,
        thing: Option<Uuid>,
        at_least: Option<Revision>,
        query: Q,
    ) -> Result<Reflecting<T>, QueryError>
    where
        Q: Fn(Object) -> F,
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        let deadline = Instant::now() + limits::FRESHNESS;
        let mut checkpoint = self.checkpoint.clone();
        loop {
            let waiting = self.waited.start_timer();
            let reached = timeout_at(deadline, checkpoint.wait_for(|reached| *reached >= at_least)).await.is_ok();
            waiting.observe_duration();
            // The follower knows less than the tables say while it has no connection; without PostgreSQL, say so.
            if !reached && self.revision().await? < at_least {
                self.stale.inc();
                return Err(QueryError::NotYet);
            }
            let (answer, parked) = self.query_now(thing, &query).await?;
            // The follower may have seen a commit that a crash of PostgreSQL has undone since.
            if answer.revision >= at_least {
                return match parked {
                    Some(revision) if Some(revision) <= at_least => {
                        Err(QueryError::Parked { stream: self.stream, revision })
                    }
                    _ => Ok(answer),
                };
            }
            if Instant::now() >= deadline {
                self.stale.inc();
                return Err(QueryError::NotYet);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The row of a table with this key, if there is one. As [`ReadModel::query_about`] otherwise.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn find<T, C: Columns<T>>(
        &self,
        table: Table<C>,
        key: impl Into<Uuid>,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Option<T>>, QueryError> {
        let key: Uuid = key.into();
        self.query_about(key, at_least, |client| async move { table.find(&client, key).await }).await
    }

    /// The rows of a listing. As [`ReadModel::query`] otherwise.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn list<T, C: Columns<T>>(
        &self,
        listing: &Listing<C>,
        at_least: Option<Revision>,
    ) -> Result<Reflecting<Vec<T>>, QueryError> {
        self.query(at_least, |client| async move { listing.rows(&client).await }).await
    }

    /// The answer, and the number of the first event about `thing` that is parked.
    async fn query_now<T, F, Q>(
        &self,
        thing: Option<Uuid>,
        query: &Q,
    ) -> Result<(Reflecting<T>, Option<Revision>), QueryError>
    where
        Q: Fn(Object) -> F,
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        let querying = async {
            let client = self.database.client().await?;
            // The checkpoint is read first, so the rows are at least as new as it says. What is parked is read together
            // with it, so nothing up to the checkpoint is left out.
            let (shown, parked) = match thing {
                None => (self.shown(&client).await?, None),
                Some(thing) => self.shown_of(&client, thing).await?,
            };
            match shown {
                Shown::UpTo(revision) => Ok(Some((Reflecting { value: query(client).await?, revision }, parked))),
                Shown::BeingRebuilt => Ok(None),
            }
        };
        let answer: Result<_, DatabaseError> = timeout(limits::QUERY, querying)
            .await
            .map_err(|_| DatabaseError::Unavailable("no answer to a query in time".to_owned()))?;
        answer?.ok_or(QueryError::OtherHistory)
    }

    async fn shown(&self, client: &Object) -> Result<Shown, tokio_postgres::Error> {
        let statement = client.prepare_cached(checkpoint::READ).await?;
        checkpoint::read(&***client, &statement, self.projection).await
    }

    /// The same, with the number of the first event about `thing` that is parked. Tables that an older version has made
    /// do not say that.
    async fn shown_of(&self, client: &Object, thing: Uuid) -> Result<(Shown, Option<Revision>), tokio_postgres::Error> {
        match client.prepare_cached(checkpoint::READ_ABOUT).await {
            Ok(statement) => checkpoint::read_about(&***client, &statement, self.projection, thing).await,
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_COLUMN) => Ok((self.shown(client).await?, None)),
            Err(error) => Err(error),
        }
    }

    /// How far the tables have come.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn revision(&self) -> Result<Option<Revision>, QueryError> {
        self.query_now(None, &|_| async { Ok(()) }).await.map(|(answer, _)| answer.revision)
    }
}

impl CheckpointFollower {
    /// Follows until `shutdown`: registers for notifications, then reads, then waits for a notification or a while.
    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Some(Err(error)) = shutdown.run_until_cancelled(self.follow()).await {
                tracing::debug!(projection = self.projection, %error, "cannot follow the checkpoint; starting over");
            }
            shutdown.run_until_cancelled(tokio::time::sleep(RETRY_PAUSE)).await;
        }
    }

    async fn follow(&self) -> Result<(), DatabaseError> {
        let (notified, projection) = (self.checkpoint.clone(), self.projection);
        let client = self
            .database
            .dedicated(move |payload| {
                let revision = payload.strip_prefix(projection).and_then(|rest| rest.strip_prefix(':')?.parse().ok());
                match revision.map(from_bigint) {
                    Some(None) => drop(notified.send_replace(None)),
                    Some(revision) => raise(&notified, revision),
                    None => {}
                }
            })
            .await?
            .client;
        // What an earlier connection brought may have been undone by a crash of PostgreSQL since.
        self.checkpoint.send_replace(None);
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        let statement = client.prepare_cached(checkpoint::READ).await?;
        loop {
            let read = timeout(limits::QUERY, checkpoint::read(&*client, &statement, self.projection)).await;
            let revision = read.map_err(|_| DatabaseError::Unavailable("no answer in time".to_owned()))??;
            match revision {
                Shown::UpTo(revision) => raise(&self.checkpoint, revision),
                Shown::BeingRebuilt => drop(self.checkpoint.send_replace(None)),
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// Only ever up: a notification may overtake the answer to a read that was made before it.
fn raise(checkpoint: &watch::Sender<Option<Revision>>, revision: Option<Revision>) {
    checkpoint.send_if_modified(|known| {
        let moved = revision > *known;
        *known = revision.max(*known);
        moved
    });
}
