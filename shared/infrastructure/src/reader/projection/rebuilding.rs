//! A rebuild, while the projection goes on: a task of its own fills the tables beside those that are shown.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use shared_kernel::Revision;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_postgres::Statement;
use tokio_util::task::AbortOnDropHandle;

use super::rows::RowWriter;
use super::{Projection, Reading};
use crate::back_off::BackOff;
use crate::checkpoint::{self, Checkpoint};
use crate::event_store::{Delivery, EventStore, Refusal, StoreError, Subscription};
use crate::limits;
use crate::postgres::{Database, DatabaseError, Dedicated};
use crate::reader::meters::RebuildMeters;
use crate::rebuild::{self, Beside, RebuildError, Switched};
use crate::worker::WorkError;

/// How often it is looked whether somebody has asked for a rebuild.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(30);
/// How many events one transaction takes at most. Nobody waits for what is in it.
const EVENTS_PER_BATCH: usize = 10_000;
/// A batch is complete where nothing comes for so long.
const LULL: Duration = Duration::from_millis(5);
/// How often it is written down how far it has come.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);
/// Of how many events the switch may have to wait, while nothing is projected.
const NEARLY: u64 = 200;
/// How long they may take. Then the projection goes on, and it is tried again.
const PAUSE_LIMIT: Duration = Duration::from_secs(2);

/// Rebuilds the tables of a projection whenever it is asked for.
pub(super) struct Rebuilder<P> {
    rows: Arc<RowWriter<P>>,
    stream: &'static str,
    event_store: Arc<EventStore>,
    database: Database,
    task: Option<AbortOnDropHandle<Result<Rebuilt<P>, RebuildError>>>,
    back_off: BackOff,
    /// When it is looked again whether there is something to do.
    due: Instant,
}

/// Tables beside those that are shown, which reflect nearly as much.
pub(super) struct Rebuilt<P> {
    rows: Arc<RowWriter<P>>,
    beside: Beside,
    connection: Dedicated,
    reading: Reading,
    subscription: Subscription,
    advance: Statement,
    shown: RebuildMeters,
}

impl<P: Projection> Rebuilder<P> {
    pub(super) fn new(rows: &Arc<RowWriter<P>>, reading: &Reading, database: &Database) -> Self {
        Self {
            rows: Arc::clone(rows),
            stream: reading.stream,
            event_store: Arc::clone(&reading.event_store),
            database: database.clone(),
            task: None,
            back_off: BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE),
            due: Instant::now(),
        }
    }

    /// Waits until tables can be shown. What fails is tried again, unless that changes nothing.
    ///
    /// Safe to cancel.
    pub(super) async fn next(&mut self) -> Rebuilt<P> {
        loop {
            let Some(task) = &mut self.task else {
                sleep_until(self.due).await;
                self.due = Instant::now() + LOOK_INTERVAL;
                if self.is_asked().await {
                    self.task = Some(AbortOnDropHandle::new(tokio::spawn(self.filling())));
                }
                continue;
            };
            let outcome = task.await;
            self.task = None;
            let pause = self.back_off.next_pause();
            self.due = Instant::now() + pause;
            match outcome {
                Ok(Ok(rebuilt)) => return rebuilt,
                Ok(Err(error)) => self.has_failed(&error, pause).await,
                // Cancelled with the runtime, or a panic, which was logged.
                Err(_) => {}
            }
        }
    }

    async fn is_asked(&self) -> bool {
        let asking = async {
            let client = self.database.client().await?;
            rebuild::is_running(&**client, P::NAME).await
        };
        // The projection itself says what is wrong with PostgreSQL.
        asking.await.unwrap_or(false)
    }

    async fn has_failed(&self, error: &RebuildError, pause: Duration) {
        if !error.is_final() {
            let pause_ms = pause.as_millis();
            tracing::warn!(reader = P::NAME, %error, retry.pause_ms = pause_ms, "a rebuild was interrupted; it goes on");
            return;
        }
        tracing::error!(reader = P::NAME, %error, "a rebuild has failed; what was shown before still is");
        let noting = async {
            let client = self.database.client().await?;
            rebuild::has_failed(&**client, P::NAME, &error.to_string()).await
        };
        if let Err(error) = noting.await {
            tracing::debug!(reader = P::NAME, %error, "cannot note that a rebuild has failed; it is tried again");
        }
    }

    fn filling(&self) -> impl Future<Output = Result<Rebuilt<P>, RebuildError>> + Send + 'static {
        let (rows, database) = (Arc::clone(&self.rows), self.database.clone());
        let (stream, event_store) = (self.stream, self.event_store.separate());
        async move {
            let mut rebuilt = Rebuilt::begin(rows, &database, stream, event_store).await?;
            rebuilt.fill().await?;
            Ok(rebuilt)
        }
    }

    /// Lets tables catch up with those that are shown, whose projection stands still meanwhile, and shows them in their
    /// place. Answers whether that was done; else it is tried again.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] if another instance has moved the checkpoint.
    pub(super) async fn show(
        &mut self,
        mut rebuilt: Rebuilt<P>,
        shown: &Reading,
        client: &mut ClientWrapper,
    ) -> Result<bool, WorkError> {
        let up_to = shown.saved.map(|mark| mark.revision);
        match timeout(PAUSE_LIMIT, rebuilt.reach(up_to)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.has_failed(&error, self.due.duration_since(Instant::now())).await;
                return Ok(false);
            }
            Err(_) => return Ok(false),
        }
        match rebuilt.beside.switch(client, up_to, P::VERSION).await? {
            Switched::Done => {}
            Switched::Busy => return Ok(false),
            Switched::Useless => {
                tracing::info!(reader = P::NAME, "what was rebuilt does not fit any more; rebuilding it");
                rebuilt.beside.is_useless(&**client).await?;
                return Ok(false);
            }
            Switched::Fenced => return Err(WorkError::Fenced),
        }
        tracing::info!(reader = P::NAME, "the rebuilt read model is shown");
        self.back_off.reset();
        Ok(true)
    }
}

impl<P: Projection> Rebuilt<P> {
    /// Goes on where the last attempt has come to, or begins before the first event.
    async fn begin(
        rows: Arc<RowWriter<P>>,
        database: &Database,
        stream: &'static str,
        event_store: EventStore,
    ) -> Result<Self, RebuildError> {
        let mut connection = database.dedicated(|_| {}).await?;
        let client = &mut connection.client;
        let beside = Beside::of(&**client, P::NAME, P::TABLES).await?;
        alone::<P>(client).await?;
        // What a crash of PostgreSQL loses is read from the stream again.
        client.batch_execute("SET synchronous_commit = off").await?;
        beside.make(client, P::VERSION).await?;
        beside.is_meant_by(&**client).await?;
        let (shown, meters) = RebuildMeters::of(P::NAME);
        let mut reading = Reading::new(P::NAME, stream, event_store, checkpoint::ADVANCE_UNSEEN, meters);
        let (subscription, advance) = match reading.begin(client).await {
            Err(WorkError::Store(StoreError::Refused(refusal @ Refusal::OtherHistory { .. }))) => {
                beside.is_useless(&**client).await?;
                return Err(WorkError::Store(refusal.into()).into());
            }
            begun => begun?,
        };
        Ok(Self { rows, beside, connection, reading, subscription, advance, shown })
    }

    /// Takes all events, makes the indexes when it has come to the end, and catches up again.
    async fn fill(&mut self) -> Result<(), RebuildError> {
        let (begun, from) = (Instant::now(), self.count());
        let mut noted = None::<Instant>;
        let mut has_indexes = false;
        loop {
            if noted.is_none_or(|noted| noted.elapsed() >= PROGRESS_INTERVAL) {
                let seconds = begun.elapsed().as_secs_f64();
                #[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
                let rate = (self.count() - from) as f64 / seconds;
                self.note(Some(rate).filter(|rate| rate.is_finite() && *rate > 0.0)).await?;
                noted = Some(Instant::now());
            }
            if self.is_near(self.last().await?) {
                if has_indexes {
                    break;
                }
                self.beside.index(&*self.connection.client).await?;
                has_indexes = true;
                continue;
            }
            self.take().await?;
        }
        self.replay().await?;
        self.note(None).await
    }

    /// The newest event that those who are shown something may have seen.
    async fn last(&self) -> Result<Option<Revision>, RebuildError> {
        let client = &self.connection.client;
        let sql = self.beside.shown_checkpoint();
        let row = client.query_opt(&client.prepare_cached(&sql).await?, &[&P::NAME]).await?;
        let Some(row) = row else { return Ok(None) };
        let Checkpoint(shown) = row.try_get(0)?;
        Ok(shown)
    }

    fn is_near(&self, last: Option<Revision>) -> bool {
        last.map_or(0, |last| last.0 + 1) <= self.count() + NEARLY
    }

    /// How many events were looked at.
    fn count(&self) -> u64 {
        self.reading.reached.map_or(0, |mark| mark.revision.0 + 1)
    }

    async fn note(&self, events_per_second: Option<f64>) -> Result<(), RebuildError> {
        let reached = self.reading.reached.map(|mark| mark.revision);
        let last = self.reading.event_store.last_revision(self.reading.stream).await.map_err(WorkError::from)?;
        self.shown.has_come_to(self.count(), last.map_or(0, |last| last.0 + 1));
        let client = &*self.connection.client;
        Ok(rebuild::has_come_to(client, P::NAME, [reached, last], events_per_second).await?)
    }

    /// Takes what comes next.
    async fn take(&mut self) -> Result<(), RebuildError> {
        let Self { rows, connection, reading, subscription, advance, .. } = self;
        let events = reading.not_seen(many(subscription).await).map_err(WorkError::from)?;
        rows.process(reading, &mut connection.client, advance, &events).await?;
        Ok(())
    }

    /// What could not be processed may have been mended since, here or in what is shown.
    async fn replay(&mut self) -> Result<(), RebuildError> {
        let mut after = None;
        loop {
            let part = self.rows.replay(&mut self.reading, &mut self.connection.client, after).await?;
            after = part.last;
            if part.beyond == 0 || after.is_none() {
                return Ok(());
            }
        }
    }

    /// Takes all events up to this one, and saves its checkpoint.
    async fn reach(&mut self, up_to: Option<Revision>) -> Result<(), RebuildError> {
        while self.reading.reached.map(|mark| mark.revision) < up_to {
            self.take().await?;
        }
        let Self { connection, reading, advance, .. } = self;
        reading.save(&*connection.client, advance, reading.reached).await?;
        Ok(())
    }
}

/// As many deliveries as come one after the other, up to a batch.
async fn many(subscription: &mut Subscription) -> Result<Vec<Delivery>, StoreError> {
    let mut all = subscription.next_batch(EVENTS_PER_BATCH).await?;
    while all.len() < EVENTS_PER_BATCH {
        match timeout(LULL, subscription.next_batch(EVENTS_PER_BATCH - all.len())).await {
            Ok(Ok(more)) => all.extend(more),
            // If it has ended, the next call says so.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    Ok(all)
}

/// Waits until no other task fills the same tables, for which an earlier leader may have to notice that it is none.
async fn alone<P: Projection>(client: &ClientWrapper) -> Result<(), RebuildError> {
    let begun = Instant::now();
    let sql = "SELECT pg_try_advisory_lock(hashtextextended($1::text || ' rebuild', 0))";
    while !client.query_one(sql, &[&P::NAME]).await?.try_get(0)? {
        if begun.elapsed() > limits::PROJECTION_BATCH {
            return Err(DatabaseError::Unavailable("another instance has not ended its rebuild".to_owned()).into());
        }
        sleep(LOOK_INTERVAL).await;
    }
    Ok(())
}
