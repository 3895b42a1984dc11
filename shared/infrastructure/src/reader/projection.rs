//! Projecting a stream into PostgreSQL: rows and checkpoint in one transaction, batch after batch.

use std::error::Error;
use std::future::Future;
use std::{io, slice};

use deadpool_postgres::{ClientWrapper, Transaction};
use shared_kernel::DomainEvent;
use uuid::Uuid;

use super::batch::{Batch, Numbered, Parked, Refused, Unprocessable};
use super::{Reader, Work, in_time};
use crate::event_store::EventStore;
use crate::postgres::{Database, DatabaseError};
use crate::worker::{WorkError, WorkerHandle};

/// Whether PostgreSQL has taken what a projection writes.
pub type ProjectResult = Result<(), tokio_postgres::Error>;

/// How a domain's events become rows.
pub trait Projection: Send + Sync + 'static {
    /// The domain's events.
    type Event: DomainEvent;
    /// The name of the checkpoint, unique in its database.
    const NAME: &'static str;

    /// Writes what the events, in order, change. Projecting the same events again must lead to the same rows.
    fn project(
        &self,
        transaction: &Transaction<'_>,
        events: &[Numbered<Self::Event>],
    ) -> impl Future<Output = ProjectResult> + Send;
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
        Self::of(Projecting(projection), stream, event_store, database)
    }
}

impl<P: Projection> Work for Projecting<P> {
    type Event = P::Event;
    const NAME: &'static str = P::NAME;
    /// As many as one transaction takes.
    const EVENTS_PER_BATCH: usize = 1_000;

    fn key(event: &P::Event) -> Option<Uuid> {
        Some(event.key())
    }

    /// Projects all in one transaction, or, if PostgreSQL refuses that, one by one.
    async fn work(&self, client: &mut ClientWrapper, batch: &Batch<'_, P::Event>) -> Result<Parked, WorkError> {
        in_time(async {
            match self.project_together(client, batch).await {
                Err(WorkError::Database(DatabaseError::Refused(_))) => self.project_one_by_one(client, batch).await,
                outcome => outcome,
            }
        })
        .await
    }
}

impl<P: Projection> Projecting<P> {
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
            Err(DatabaseError::Refused(reason)) => {
                savepoint.rollback().await?;
                Ok(Some(Unprocessable { key, reason }))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What a failure to project comes to. When PostgreSQL has not answered although the connection is there, it was never
/// asked: the client library could not convert a value. That is as hopeless as a refusal.
fn failure(error: tokio_postgres::Error) -> DatabaseError {
    let from_connection = error.is_closed() || error.source().is_some_and(|cause| cause.is::<io::Error>());
    if error.as_db_error().is_some() || from_connection {
        return error.into();
    }
    // Without its cause, which may quote the value.
    DatabaseError::Refused(error.to_string())
}
