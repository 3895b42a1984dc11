//! Projecting a stream into PostgreSQL: rows and checkpoint in one transaction, batch after batch.

use std::collections::HashSet;
use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, ready};
use std::{io, slice};

use deadpool_postgres::{ClientWrapper, Transaction};
use shared_kernel::{DomainEvent, Revision};
use tokio::time::{Instant, sleep_until};
use tokio_postgres::Statement;
use tracing::Instrument;
use uuid::Uuid;

use super::batch::{Batch, Outcome, Parked, Refused};
use super::origin::{Numbered, Unprocessable};
use super::span;
use super::{IDLE_CHECKPOINT_INTERVAL, Lead, Reader, Reading, Work, in_time};
use crate::checkpoint::{self, Mark};
use crate::event_store::{EventStore, Recorded, Refusal, StoreError};
use crate::parking;
use crate::postgres::{Database, DatabaseError};
use crate::worker::{ReplayedPart, Request, WorkError, WorkerHandle};

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

    /// All the tables that it writes, which are emptied before they are made anew.
    const TABLES: &'static [&'static str];

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
pub struct Projecting<P>(P);

impl<P: Projection> Projector<P> {
    /// A projector of `stream` into `database`, whose migrations have run when it is started.
    pub fn new(
        projection: P,
        stream: &'static str,
        event_store: EventStore,
        database: Database,
    ) -> (Self, WorkerHandle) {
        Self::of(|_| Projecting(projection), stream, event_store, database)
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
        let (mut subscription, advance) = match reading.begin(client).await {
            Err(WorkError::Store(StoreError::Refused(Refusal::OtherHistory { difference, .. }))) => {
                self.begin_anew(reading, client, &difference).await?;
                reading.begin(client).await?
            }
            begun => begun?,
        };
        let mut is_up_to_date = false;
        loop {
            tokio::select! {
                () = ready(()), if !is_up_to_date => is_up_to_date = self.make_anew(client).await? == 0,
                // Nobody may wait for the answer any more.
                Some(request) = requests.recv() => match request {
                    Request::Replay { after, reply } => {
                        let _ = reply.send(self.replay(reading, client, after).await?);
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
                    self.process(reading, client, &advance, &events).await?;
                }
                () = sleep_until(reading.saved_at + IDLE_CHECKPOINT_INTERVAL), if reading.reached != reading.saved => {
                    reading.save(&**client, &advance, reading.reached).await?;
                }
            }
        }
    }
}

impl<P: Projection> Projecting<P> {
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

    /// Makes some rows anew. Nothing of the checkpoint belongs to that: it is right whoever leads.
    async fn make_anew(&self, client: &mut ClientWrapper) -> Result<usize, WorkError> {
        in_time(async {
            let transaction = client.transaction().await?;
            let rows = self.0.make_anew(&transaction).await?;
            transaction.commit().await?;
            Ok(rows)
        })
        .await
    }

    /// Works on events, and moves the checkpoint past them. Where there is nothing to do for them, that can wait.
    async fn process(
        &self,
        reading: &mut Reading,
        client: &mut ClientWrapper,
        advance: &Statement,
        events: &[Recorded],
    ) -> Result<(), WorkError> {
        let Some(last) = events.last().map(Mark::at) else { return Ok(()) };
        let outcome = Outcome::Advance { statement: advance, from: reading.saved, to: last };
        let batch = Batch::of::<Self>(events, &reading.parked, &reading.discarded, outcome);
        reading.reached = Some(last);
        if !batch.is_empty() {
            let span = span::of::<Self>(reading.stream, events);
            let parked = self.project(client, &batch).instrument(span).await?;
            reading.parked.extend(parked);
            (reading.saved, reading.saved_at) = (Some(last), Instant::now());
        }
        Ok(())
    }

    /// Works on a part of the parked events again, in order. What still cannot be processed stays parked.
    async fn replay(
        &self,
        reading: &mut Reading,
        client: &mut ClientWrapper,
        after: Option<Revision>,
    ) -> Result<ReplayedPart, WorkError> {
        let mut still_parked = parking::keys_up_to(&**client, P::NAME, after).await?;
        let (oldest, beyond) = parking::oldest(&**client, P::NAME, after).await?;
        let last = oldest.last().map(|waiting| waiting.revision);
        let mut replayed = ReplayedPart { replayed: 0, still_parked: 0, beyond, last };
        let none_discarded = HashSet::new();
        for waiting in oldest {
            let parked = match reading.parked_event(&waiting).await? {
                Ok(recorded) => {
                    let outcome = Outcome::Release(waiting.revision);
                    let batch = Batch::of::<Self>(slice::from_ref(&recorded), &still_parked, &none_discarded, outcome);
                    self.project(client, &batch).await?
                }
                Err(reason) => {
                    parking::keep(&**client, P::NAME, waiting.revision, &reason).await?;
                    Parked::from([waiting.key])
                }
            };
            if parked.is_empty() {
                replayed.replayed += 1;
            } else {
                replayed.still_parked += 1;
                still_parked.extend(parked);
            }
        }
        reading.parked = parking::keys(&**client, P::NAME).await?;
        Ok(replayed)
    }

    /// Projects all in one transaction, or, if PostgreSQL refuses something that is in it, one by one.
    async fn project(&self, client: &mut ClientWrapper, batch: &Batch<'_, P::Event>) -> Result<Parked, WorkError> {
        in_time(async {
            match self.project_together(client, batch).await {
                Err(WorkError::Database(DatabaseError::InvalidData(_))) => self.project_one_by_one(client, batch).await,
                outcome => outcome,
            }
        })
        .await
    }

    async fn project_together(
        &self,
        client: &mut ClientWrapper,
        batch: &Batch<'_, P::Event>,
    ) -> Result<Parked, WorkError> {
        let transaction = client.transaction().await?;
        self.0.project(&transaction, &batch.events).await.map_err(failure)?;
        let parked = batch.settle(&*transaction, Refused::new()).await?;
        transaction.commit().await?;
        Ok(parked)
    }

    /// Projects one event after the other in one transaction, without those that PostgreSQL refuses and what comes
    /// behind them.
    async fn project_one_by_one(
        &self,
        client: &mut ClientWrapper,
        batch: &Batch<'_, P::Event>,
    ) -> Result<Parked, WorkError> {
        let mut transaction = client.transaction().await?;
        let (mut refused, mut keys) = (Refused::new(), Parked::new());
        for (numbered, origin) in batch.iter() {
            if keys.contains(&origin.key) {
                continue;
            }
            if let Some(unprocessable) = self.project_alone(&mut transaction, numbered, origin.key).await? {
                keys.insert(origin.key);
                refused.insert(numbered.revision, unprocessable);
            }
        }
        let parked = batch.settle(&*transaction, refused).await?;
        transaction.commit().await?;
        Ok(parked)
    }

    /// Projects one event so that its failure undoes nothing else.
    async fn project_alone(
        &self,
        transaction: &mut Transaction<'_>,
        numbered: &Numbered<P::Event>,
        key: Uuid,
    ) -> Result<Option<Unprocessable>, WorkError> {
        let savepoint = transaction.savepoint("event").await?;
        match self.0.project(&savepoint, slice::from_ref(numbered)).await.map_err(failure) {
            Ok(()) => {
                savepoint.commit().await?;
                Ok(None)
            }
            Err(DatabaseError::InvalidData(reason)) => {
                savepoint.rollback().await?;
                Ok(Some(Unprocessable { key, reason }))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What a failure to project comes to. When PostgreSQL has not answered although the connection is there, it was never
/// asked: the client library could not convert a value. That is as hopeless as a refusal of the data.
fn failure(error: tokio_postgres::Error) -> DatabaseError {
    let from_connection = error.is_closed() || error.source().is_some_and(|cause| cause.is::<io::Error>());
    if error.as_db_error().is_some() || from_connection {
        return error.into();
    }
    // Without its cause, which may quote the value.
    DatabaseError::InvalidData(error.to_string())
}
