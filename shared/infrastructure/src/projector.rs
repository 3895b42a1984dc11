//! Projects a stream into PostgreSQL: rows and checkpoint in one transaction, batch after batch.

use std::collections::HashSet;
use std::error::Error;
use std::future::Future;
use std::io;

use deadpool_postgres::{ClientWrapper, Transaction};
use shared_kernel::{DomainEvent, Revision};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::event_store::{Delivery, EventStore, Recorded};
use crate::limits;
use crate::postgres::{Database, DatabaseError};
use crate::worker::{ReplayRequest, Replayed, Work, WorkError, Worker, WorkerHandle};
use crate::{checkpoint, parking};

/// How many events one transaction takes at most.
const EVENTS_PER_BATCH: usize = 1_000;
const WAITS_BEHIND: &str = "an earlier event about the same thing is parked";

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
    ) -> impl Future<Output = Result<(), tokio_postgres::Error>> + Send;
}

/// An event and its number in the stream.
#[derive(Debug, Clone)]
pub struct Numbered<E> {
    /// The event.
    pub event: E,
    /// Its number.
    pub revision: Revision,
}

/// Runs a projection as long as no other instance does.
pub struct Projector<P> {
    worker: Worker,
    work: Projecting<P>,
}

struct Projecting<P> {
    projection: P,
    stream: &'static str,
    event_store: EventStore,
    parked_keys: HashSet<Uuid>,
    checkpoint: Option<Revision>,
}

impl<P: Projection> Projector<P> {
    /// A projector of `stream` into `database`, whose migrations have run when it is started.
    pub fn new(
        projection: P,
        stream: &'static str,
        event_store: EventStore,
        database: Database,
    ) -> (Self, WorkerHandle) {
        let (worker, handle) = Worker::new(P::NAME, database);
        let work = Projecting { projection, stream, event_store, parked_keys: HashSet::new(), checkpoint: None };
        (Self { worker, work }, handle)
    }

    /// Projects until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        self.worker.run(self.work, shutdown).await;
    }
}

impl<P: Projection> Work for Projecting<P> {
    async fn work(
        &mut self,
        client: &mut ClientWrapper,
        replays: &mut mpsc::Receiver<ReplayRequest>,
        shutdown: &CancellationToken,
    ) -> Result<(), WorkError> {
        self.checkpoint = checkpoint::load(&**client, P::NAME).await?;
        self.parked_keys = parking::keys(&**client, P::NAME).await?;
        let mut subscription = self.event_store.subscribe(self.stream, self.checkpoint).await?;
        loop {
            let deliveries = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                Some(reply) = replays.recv() => {
                    let replayed = self.replay(client).await?;
                    let _ = reply.send(replayed);
                    continue;
                }
                deliveries = subscription.next_batch(EVENTS_PER_BATCH) => deliveries,
            };
            let deliveries = deliveries.inspect_err(|_| self.event_store.reconnect())?;
            let events: Vec<Recorded> = deliveries
                .into_iter()
                .filter_map(|delivery| match delivery {
                    Delivery::Event(recorded) if Some(recorded.revision) > self.checkpoint => Some(recorded),
                    _ => None,
                })
                .collect();
            timeout(limits::PROJECTION_BATCH, self.process(client, &events))
                .await
                .map_err(|_| DatabaseError::Unavailable("a batch did not end in time".to_owned()))??;
        }
    }
}

impl<P: Projection> Projecting<P> {
    /// Projects a batch in one transaction, or, if PostgreSQL refuses that, event by event, parking what it refuses.
    async fn process(&mut self, client: &mut ClientWrapper, batch: &[Recorded]) -> Result<(), WorkError> {
        let Some(last) = batch.last() else { return Ok(()) };
        match self.write(client, batch, last.revision, false).await {
            Err(WorkError::Database(DatabaseError::Refused(_))) => {
                self.write(client, batch, last.revision, true).await?
            }
            other => other?,
        }
        self.checkpoint = Some(last.revision);
        Ok(())
    }

    async fn write(
        &mut self,
        client: &mut ClientWrapper,
        batch: &[Recorded],
        to: Revision,
        one_by_one: bool,
    ) -> Result<(), WorkError> {
        let mut transaction = client.transaction().await?;
        let mut parked_keys = self.parked_keys.clone();
        let mut projectable = Vec::with_capacity(batch.len());
        for recorded in batch {
            let refusal = match self.examine(recorded, &parked_keys) {
                Ok(numbered) if one_by_one => {
                    let key = numbered.event.key();
                    self.project_alone(&mut transaction, numbered).await?.err().map(|reason| (key, reason))
                }
                Ok(numbered) => {
                    projectable.push(numbered);
                    None
                }
                Err(refusal) => Some(refusal),
            };
            if let Some((key, reason)) = refusal {
                parking::park(&*transaction, P::NAME, recorded, key, &reason).await?;
                parked_keys.insert(key);
            }
        }
        self.projection.project(&transaction, &projectable).await.map_err(failure)?;
        let advance = transaction.prepare_cached(checkpoint::ADVANCE).await?;
        if !checkpoint::advance(&*transaction, &advance, P::NAME, self.checkpoint, to).await? {
            return Err(WorkError::Fenced);
        }
        transaction.commit().await?;
        self.parked_keys = parked_keys;
        Ok(())
    }

    /// The event, or what it is about and why it has to be parked.
    fn examine(&self, recorded: &Recorded, parked: &HashSet<Uuid>) -> Result<Numbered<P::Event>, (Uuid, String)> {
        let undecodable = |reason: String| (parking::key_of_undecodable::<P::Event>(recorded), reason);
        let metadata = recorded.metadata().map_err(|error| undecodable(error.to_string()))?;
        let event: P::Event =
            recorded.decode(metadata.schema_version()).map_err(|error| undecodable(error.to_string()))?;
        let key = event.key();
        if parked.contains(&key) {
            return Err((key, WAITS_BEHIND.to_owned()));
        }
        Ok(Numbered { event, revision: recorded.revision })
    }

    /// Projects one event so that its failure undoes nothing else. The inner error says why it cannot be projected.
    async fn project_alone(
        &self,
        transaction: &mut Transaction<'_>,
        numbered: Numbered<P::Event>,
    ) -> Result<Result<(), String>, WorkError> {
        let savepoint = transaction.savepoint("event").await?;
        match self.projection.project(&savepoint, &[numbered]).await.map_err(failure) {
            Ok(()) => {
                savepoint.commit().await?;
                Ok(Ok(()))
            }
            Err(DatabaseError::Refused(reason)) => {
                savepoint.rollback().await?;
                Ok(Err(reason))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Projects the parked events again, in order; what still cannot be projected stays parked.
    async fn replay(&mut self, client: &mut ClientWrapper) -> Result<Replayed, WorkError> {
        let (revisions, beyond_limit) = parking::revisions(&**client, P::NAME).await?;
        let mut still_parked = HashSet::new();
        let mut replayed = Replayed { replayed: 0, still_parked: 0, beyond_limit };
        for revision in revisions {
            let found = self.event_store.read_forwards(self.stream, revision, 1).await?;
            let Some(recorded) = found.first().filter(|recorded| recorded.revision == revision) else { continue };
            let mut transaction = client.transaction().await?;
            let refusal = match self.examine(recorded, &still_parked) {
                Ok(numbered) => {
                    let key = numbered.event.key();
                    self.project_alone(&mut transaction, numbered).await?.err().map(|reason| (key, reason))
                }
                Err(refusal) => Some(refusal),
            };
            match refusal {
                None => {
                    parking::release(&*transaction, P::NAME, revision).await?;
                    replayed.replayed += 1;
                }
                Some((key, reason)) => {
                    parking::park(&*transaction, P::NAME, recorded, key, &reason).await?;
                    still_parked.insert(key);
                    replayed.still_parked += 1;
                }
            }
            transaction.commit().await?;
        }
        self.parked_keys = parking::keys(&**client, P::NAME).await?;
        Ok(replayed)
    }
}

/// What a failure to project comes to. When PostgreSQL has not answered although the connection is there, it was never asked:
/// the client library could not convert a value. That is as hopeless as a refusal.
fn failure(error: tokio_postgres::Error) -> DatabaseError {
    let from_connection = error.is_closed() || error.source().is_some_and(|cause| cause.is::<io::Error>());
    if error.as_db_error().is_some() || from_connection {
        return error.into();
    }
    // Without its cause, which may quote the value.
    DatabaseError::Refused(error.to_string())
}
