//! Projecting a stream into PostgreSQL: rows and checkpoint in one transaction, batch after batch.

mod rebuilding;
mod rows;

use std::convert::Infallible;
use std::future::{Future, ready};
use std::sync::Arc;

use deadpool_postgres::{ClientWrapper, Transaction};
use shared_kernel::DomainEvent;
use tokio::time::sleep_until;
use tokio_postgres::Statement;
use uuid::Uuid;

use super::origin::Numbered;
use super::{IDLE_CHECKPOINT_INTERVAL, Lead, Reader, Reading, Work, in_time};
use crate::checkpoint;
use crate::event_store::{EventStore, Refusal, StoreError, Subscription};
use crate::parking;
use crate::postgres::Database;
use crate::rebuild::{self, BECAUSE_OF_ITS_VERSION};
use crate::worker::{Request, WorkError, WorkerHandle};
use rebuilding::Rebuilder;
use rows::RowWriter;

/// How many events one transaction takes at most.
const EVENTS_PER_BATCH: usize = 1_000;

/// Whether PostgreSQL has taken what a projection writes.
pub type ProjectResult = Result<(), tokio_postgres::Error>;

/// How a domain's events become rows.
pub trait Projection: Send + Sync + 'static {
    /// The domain's events.
    type Event: DomainEvent;
    /// The name of the checkpoint, unique in its database.
    const NAME: &'static str;

    /// All the tables that it writes, in the order in which queries lock those of which they read several.
    const TABLES: &'static [&'static str];

    /// Raised whenever the same events lead to other rows. Rows that were written in another version are rebuilt when an
    /// instance begins to lead, into tables beside them, while both are there: see [`rebuild`].
    const VERSION: u16 = 1;

    /// Writes what the events, in order, change. Projecting the same events again must lead to the same rows.
    fn project(
        &self,
        transaction: &Transaction<'_>,
        events: &[Numbered<Self::Event>],
    ) -> impl Future<Output = ProjectResult> + Send;

    /// Makes some of the rows anew that another version of the software has written otherwise than this one does.
    /// Answers how many those were, none if nothing is left. Asked again and again when an instance begins to lead, while
    /// it projects what comes.
    fn make_anew(&self, _: &Transaction<'_>) -> impl Future<Output = Result<usize, tokio_postgres::Error>> + Send {
        async { Ok(0) }
    }
}

/// Runs a projection as long as no other instance does.
pub type Projector<P> = Reader<Projecting<P>>;

/// The work of a projection.
pub struct Projecting<P> {
    rows: Arc<RowWriter<P>>,
    database: Database,
}

impl<P: Projection> Projector<P> {
    /// A projector of `stream` into `database`, whose migrations have run when it is started.
    pub fn new(
        projection: P,
        stream: &'static str,
        event_store: EventStore,
        database: Database,
    ) -> (Self, WorkerHandle) {
        let projecting = Projecting { rows: Arc::new(RowWriter(projection)), database: database.clone() };
        Self::of(|_| projecting, stream, event_store, database)
    }
}

impl<P: Projection> Work for Projecting<P> {
    type Event = P::Event;
    const NAME: &'static str = P::NAME;

    fn key(event: &P::Event) -> Option<Uuid> {
        Some(event.key())
    }

    async fn follow(&self, lead: Lead<'_>) -> Result<Infallible, WorkError> {
        let Lead { reading, client, requests } = lead;
        let (mut subscription, mut advance) = self.begin(reading, client).await?;
        let mut rebuilder = Rebuilder::new(&self.rows, reading, &self.database);
        let mut is_up_to_date = false;
        loop {
            tokio::select! {
                () = ready(()), if !is_up_to_date => is_up_to_date = self.rows.make_anew(client).await? == 0,
                // Nobody may wait for the answer any more.
                Some(request) = requests.recv() => match request {
                    Request::Replay { after, reply } => {
                        let _ = reply.send(self.rows.replay(reading, client, after).await?);
                    }
                    Request::Discard { discard, reply } => {
                        let discarded = reading.discard(client, &discard).await?;
                        reading.parked = parking::keys(&**client, P::NAME).await?;
                        let _ = reply.send(discarded);
                    }
                    // It needs nobody's word.
                    Request::Resume { reply, .. } => {
                        let _ = reply.send(false);
                    }
                },
                deliveries = subscription.next_batch(EVENTS_PER_BATCH) => {
                    let events = reading.not_seen(deliveries)?;
                    self.rows.process(reading, client, &advance, &events).await?;
                }
                () = sleep_until(reading.saved_at + IDLE_CHECKPOINT_INTERVAL), if reading.reached != reading.saved => {
                    reading.save(&**client, &advance, reading.reached).await?;
                }
                // Nothing is projected while the tables change places.
                rebuilt = rebuilder.next() => {
                    reading.save(&**client, &advance, reading.reached).await?;
                    if rebuilder.show(rebuilt, reading, client).await? {
                        (subscription, advance) = self.begin(reading, client).await?;
                    }
                }
            }
        }
    }
}

impl<P: Projection> Projecting<P> {
    /// Begins after the checkpoint, or before the first event of another history than before. Rows of another version
    /// are rebuilt from then on.
    async fn begin(
        &self,
        reading: &mut Reading,
        client: &mut ClientWrapper,
    ) -> Result<(Subscription, Statement), WorkError> {
        let begun = match reading.begin(client).await {
            Err(WorkError::Store(StoreError::Refused(Refusal::OtherHistory { difference, .. }))) => {
                self.begin_anew(reading, client, &difference).await?;
                reading.begin(client).await?
            }
            begun => begun?,
        };
        let written_in = checkpoint::version(&**client, P::NAME).await?;
        if reading.saved.is_none() || written_in == Some(P::VERSION) {
            checkpoint::set_version(&**client, P::NAME, Some(P::VERSION)).await?;
        } else {
            // What is projected from now on is in this version already.
            checkpoint::set_version(&**client, P::NAME, None).await?;
            if rebuild::ask(&**client, P::NAME, BECAUSE_OF_ITS_VERSION).await?.is_some() {
                tracing::info!(reader = P::NAME, version = P::VERSION, "rebuilding rows of another version");
            }
        }
        Ok(begun)
    }

    /// Deletes what was projected of another history, and begins before the first event of this one.
    async fn begin_anew(
        &self,
        reading: &mut Reading,
        client: &mut ClientWrapper,
        difference: &str,
    ) -> Result<(), WorkError> {
        let until = reading.event_store.last_revision(reading.stream).await?;
        tracing::warn!(
            reader = P::NAME,
            difference,
            "the event store holds another history; making the read model anew"
        );
        in_time(async {
            let transaction = client.transaction().await?;
            if !checkpoint::begin_anew(&*transaction, P::NAME, reading.saved, until).await? {
                return Err(WorkError::Fenced);
            }
            parking::forget(&*transaction, P::NAME).await?;
            transaction.batch_execute(&format!("TRUNCATE {}", P::TABLES.join(", "))).await?;
            Ok(transaction.commit().await?)
        })
        .await
    }
}
