use std::collections::HashSet;

use deadpool_postgres::{Object, Transaction};
use shared_kernel::Revision;
use tokio_postgres::IsolationLevel;
use uuid::Uuid;

use crate::checkpoint::{self, Shown};
use crate::postgres::{DatabaseError, StoredRevision};
use crate::reader::Projection;

/// A transaction whose queries of these tables all see the same: the tables as they are at one moment. They are named in
/// the order of [`Projection::TABLES`].
///
/// # Errors
/// Those of PostgreSQL.
pub async fn at_one_moment<'a>(
    client: &'a mut Object,
    tables: &[&'static str],
) -> Result<Transaction<'a>, tokio_postgres::Error> {
    let isolation = IsolationLevel::RepeatableRead;
    let transaction = client.build_transaction().isolation_level(isolation).read_only(true).start().await?;
    // What is seen is fixed with the first query, which comes after this: a rebuild may put other tables in their place
    // until then, and not any more afterwards.
    transaction.batch_execute(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", tables.join(", "))).await?;
    Ok(transaction)
}

/// The tables of a projection as they are at one moment, with what says how far they have come: for checking them.
pub struct TableSnapshot<'a> {
    transaction: Transaction<'a>,
    checkpoint: Option<Revision>,
    parked: Vec<Revision>,
    parked_keys: HashSet<Uuid>,
}

impl<'a> TableSnapshot<'a> {
    /// The tables that a projection writes, as they are now.
    ///
    /// # Errors
    /// [`DatabaseError`], also while they are being made anew.
    pub async fn take<P: Projection>(client: &'a mut Object) -> Result<Self, DatabaseError> {
        let (transaction, projection) = (at_one_moment(client, P::TABLES).await?, P::NAME);
        let statement = transaction.prepare_cached(checkpoint::READ).await?;
        let checkpoint = match checkpoint::read(&*transaction, &statement, projection).await? {
            Shown::UpTo(checkpoint) => checkpoint,
            Shown::BeingRebuilt => {
                return Err(DatabaseError::Unavailable("the read model is being made anew".to_owned()));
            }
        };
        let sql = "SELECT revision, key FROM parked_events WHERE reader = $1 ORDER BY revision";
        let (mut parked, mut parked_keys) = (Vec::new(), HashSet::new());
        for row in transaction.query(sql, &[&projection]).await? {
            let StoredRevision(revision) = row.try_get(0)?;
            parked.push(revision);
            parked_keys.insert(row.try_get(1)?);
        }
        Ok(Self { transaction, checkpoint, parked, parked_keys })
    }

    /// The transaction, in which everything is as it was at that moment.
    #[must_use]
    pub const fn transaction(&self) -> &Transaction<'a> {
        &self.transaction
    }

    /// The last event that is in the tables, but for those that are parked.
    #[must_use]
    pub const fn checkpoint(&self) -> Option<Revision> {
        self.checkpoint
    }

    /// The events that are parked.
    #[must_use]
    pub fn parked(&self) -> &[Revision] {
        &self.parked
    }

    /// What the parked events are about.
    #[must_use]
    pub const fn parked_keys(&self) -> &HashSet<Uuid> {
        &self.parked_keys
    }
}
