//! Writing the rows of a projection, and its checkpoint, in one transaction.

use std::collections::HashSet;
use std::error::Error;
use std::{io, slice};

use deadpool_postgres::{ClientWrapper, Transaction};
use shared_kernel::Revision;
use tokio_postgres::Statement;
use tracing::Instrument;
use uuid::Uuid;

use super::{Projecting, Projection};
use crate::checkpoint::Mark;
use crate::event_store::Recorded;
use crate::parking;
use crate::postgres::DatabaseError;
use crate::reader::batch::{Batch, Outcome, Parked, Refused};
use crate::reader::origin::{Numbered, Unprocessable};
use crate::reader::{Reading, in_time, span};
use crate::worker::{ReplayedPart, WorkError};

/// Writes rows, into whichever tables its connections mean.
pub(super) struct RowWriter<P>(pub(super) P);

impl<P: Projection> RowWriter<P> {
    /// Makes some rows anew. Nothing of the checkpoint belongs to that: it is right whoever leads.
    pub(super) async fn make_anew(&self, client: &mut ClientWrapper) -> Result<usize, WorkError> {
        in_time(async {
            let transaction = client.transaction().await?;
            let rows = self.0.make_anew(&transaction).await?;
            transaction.commit().await?;
            Ok(rows)
        })
        .await
    }

    /// Works on events, and moves the checkpoint past them. Where there is nothing to do for them, that can wait.
    pub(super) async fn process(
        &self,
        reading: &mut Reading,
        client: &mut ClientWrapper,
        advance: &Statement,
        events: &[Recorded],
    ) -> Result<(), WorkError> {
        let Some(last) = events.last().map(Mark::at) else { return Ok(()) };
        let outcome = Outcome::Advance { statement: advance, from: reading.saved, to: last };
        let batch = Batch::of::<Projecting<P>>(events, &reading.parked, &reading.discarded, outcome);
        reading.reached = Some(last);
        if !batch.is_empty() {
            let span = span::of::<Projecting<P>>(reading.stream, events);
            let taken = reading.meters.batches.start_timer();
            let parked = self.project(client, &batch).instrument(span).await?;
            taken.observe_duration();
            reading.parked.extend(parked);
            reading.has_moved(Some(last));
        }
        reading.meters.events.inc_by(events.len() as u64);
        Ok(())
    }

    /// Works on a part of the parked events again, in order. What still cannot be processed stays parked.
    pub(super) async fn replay(
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
                    let batch =
                        Batch::of::<Projecting<P>>(slice::from_ref(&recorded), &still_parked, &none_discarded, outcome);
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
