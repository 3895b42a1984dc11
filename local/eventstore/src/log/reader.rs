//! A few read connections, shared by all reads.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::Semaphore;

use super::snapshot::Snapshot;
use super::{LogError, schema};

/// Reads that run at once; others wait.
const CONNECTIONS: usize = 4;

#[derive(Debug, Clone)]
pub(super) struct ReaderPool(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl ReaderPool {
    pub(super) fn open(file: &Path) -> Result<Self, rusqlite::Error> {
        let idle = (0..CONNECTIONS).map(|_| schema::open_reader(file)).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Pool { permits: Arc::new(Semaphore::new(CONNECTIONS)), idle: Mutex::new(idle) })))
    }

    /// Runs `query` in a read transaction on a blocking thread.
    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: FnOnce(&Snapshot<'_>) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        let pool = Arc::clone(&self.0);
        let permit = Arc::clone(&pool.permits).acquire_owned().await.map_err(|_| LogError::Closed)?;
        let run = move || {
            let mut connection = pool.take().ok_or(LogError::Closed)?;
            let result = query_on(&mut connection, query);
            pool.put_back(connection);
            drop(permit);
            result
        };
        tokio::task::spawn_blocking(run).await.unwrap_or(Err(LogError::Closed))
    }
}

impl Pool {
    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    fn put_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(connection);
    }
}

fn query_on<T, F>(connection: &mut Connection, query: F) -> Result<T, LogError>
where
    F: FnOnce(&Snapshot<'_>) -> Result<T, rusqlite::Error>,
{
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let result = query(&Snapshot::new(&transaction))?;
    transaction.commit()?;
    Ok(result)
}
