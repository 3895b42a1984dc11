//! What the API of a domain is: an executor of the domain's stream that starts from a snapshot, a read model, and routes
//! that work with both.

use axum::Router;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared_infrastructure::event_store::{EventStore, InvalidAddress};
use shared_infrastructure::executor::{Executor, ExecutorHandle, ExecutorSettings};
use shared_infrastructure::postgres::{Database, InvalidDatabaseUrl, POOLED_CONNECTIONS};
use shared_infrastructure::read_model::{CheckpointFollower, ReadModel};
use shared_infrastructure::rpc::InvalidRpcAddress;
use shared_infrastructure::snapshot::Snapshots;
use shared_kernel::Decider;
use shared_service::TaskEnded;
use shared_service::health::Checks;
use shared_service::settings::SecretUrl;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Where an API reads and writes.
#[derive(Debug, Clone)]
pub struct Config {
    /// The domain's database.
    pub database_url: SecretUrl,
    /// How many connections to it requests share.
    pub database_connections: usize,
    /// The event store.
    pub event_store: SecretUrl,
    /// How many bytes of events go into one append.
    pub append_bytes: usize,
    /// How many commands wait to be decided.
    pub command_queue: usize,
}

impl Config {
    /// An API that keeps its data there; everything else as it is unless an operator says otherwise.
    #[must_use]
    pub fn new(database_url: SecretUrl, event_store: SecretUrl) -> Self {
        let ExecutorSettings { append_bytes, command_queue } = ExecutorSettings::default();
        Self { database_url, database_connections: POOLED_CONNECTIONS, event_store, append_bytes, command_queue }
    }
}

/// Why an API does not run, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A task has ended.
    #[error(transparent)]
    Task(#[from] TaskEnded),
    /// The event store's address.
    #[error(transparent)]
    EventStore(#[from] InvalidAddress),
    /// The database's address.
    #[error(transparent)]
    Database(#[from] InvalidDatabaseUrl),
    /// The other domain's address.
    #[error(transparent)]
    OtherDomain(#[from] InvalidRpcAddress),
}

/// A domain whose executor, read model and snapshots are ready to run.
pub struct Domain<D: Decider> {
    executor: Executor<D>,
    handle: ExecutorHandle<D>,
    read_model: ReadModel,
    follower: CheckpointFollower,
    snapshots: Snapshots,
}

impl<D: Decider> Domain<D>
where
    D::State: Serialize + DeserializeOwned,
    D::Subject: Serialize + DeserializeOwned,
    D::Outcome: Serialize + DeserializeOwned,
{
    /// Reads the newest snapshot, if there is one, and connects to nothing else yet.
    ///
    /// # Errors
    /// [`RunError`] if a setting is not usable.
    pub async fn prepare(
        config: &Config,
        stream: &'static str,
        projection: &'static str,
        shutdown: &CancellationToken,
    ) -> Result<Self, RunError> {
        let event_store = EventStore::new(config.event_store.expose())?;
        let database = Database::with_connections(config.database_url.expose(), config.database_connections)?;
        let snapshots = Snapshots::new(database.clone(), event_store.separate()?, stream);
        let ledger = shutdown.run_until_cancelled(snapshots.load::<D>()).await.unwrap_or_default();
        let settings = ExecutorSettings { append_bytes: config.append_bytes, command_queue: config.command_queue };
        let (executor, handle) = Executor::new(stream, &event_store, ledger, settings)?;
        let (read_model, follower) = ReadModel::new(database, projection);
        Ok(Self { executor, handle, read_model, follower, snapshots })
    }

    /// Executes commands once the domain runs.
    #[must_use]
    pub fn executor(&self) -> ExecutorHandle<D> {
        self.handle.clone()
    }

    /// The domain's tables.
    #[must_use]
    pub fn read_model(&self) -> ReadModel {
        self.read_model.clone()
    }

    /// Whether commands are taken, and queries answered.
    #[must_use]
    pub fn checks(&self) -> Checks {
        let (executor, read_model) = (self.executor(), self.read_model());
        Checks::new()
            .with("event-store", move || {
                let outage = executor.outage();
                async move { outage.map_or(Ok(None), |error| Err(error.to_string())) }
            })
            .with("postgresql", move || {
                let read_model = read_model.clone();
                async move { read_model.revision().await.map(|_| None).map_err(|error| error.to_string()) }
            })
    }

    /// Runs the domain and serves `router` until `shutdown`. What it needs may be away at the start, and come later.
    ///
    /// # Errors
    /// [`RunError::Task`] when something that it cannot do without has ended.
    pub async fn run(self, listener: TcpListener, router: Router, shutdown: CancellationToken) -> Result<(), RunError> {
        // The executor answers what is being served before it stops.
        let (stop_executor, stop_others) = (CancellationToken::new(), shutdown.child_token());
        let mut tasks = JoinSet::new();
        tasks.spawn(self.executor.run(stop_executor.clone()));
        tasks.spawn(self.follower.run(stop_others.clone()));
        tasks.spawn(self.snapshots.run(self.handle, stop_others.clone()));
        let served = shared_service::serve_beside(listener, router, &mut tasks, shutdown).await;
        stop_others.cancel();
        stop_executor.cancel();
        while tasks.join_next().await.is_some() {}
        Ok(served?)
    }
}
