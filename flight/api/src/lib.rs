//! The flight API: commands and queries over HTTP, and what the passenger domain asks over JSON-RPC.

mod input;
mod problems;
mod routes;
mod rpc;

use std::sync::Arc;

use flight_application::FlightService;
use flight_core::Flights;
use flight_infrastructure::{FlightProjection, FlightReadModel, RpcManifests, STREAM};
use shared_infrastructure::event_store::{EventStore, InvalidAddress};
use shared_infrastructure::executor::{Executor, ExecutorHandle};
use shared_infrastructure::postgres::{Database, InvalidDatabaseUrl};
use shared_infrastructure::projector::Projection;
use shared_infrastructure::read_model::ReadModel;
use shared_infrastructure::rpc::{InvalidRpcAddress, RpcClient};
use shared_infrastructure::snapshot::Snapshots;
use shared_kernel::Position;
use shared_service::TaskEnded;
use shared_service::health::Checks;
use shared_service::settings::{SecretUrl, ServiceUrl};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What the flight API needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The flight domain's database.
    pub database_url: SecretUrl,
    /// The event store.
    pub event_store: SecretUrl,
    /// How many bytes of events go into one append; see [`Executor::with_append_bytes`].
    pub append_bytes: usize,
    /// The passenger API, for JSON-RPC.
    pub passenger_api: ServiceUrl,
}

/// Why a service does not run, or not any more.
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
    /// The passenger API's address.
    #[error(transparent)]
    PassengerApi(#[from] InvalidRpcAddress),
}

type Service = FlightService<ExecutorHandle<Flights>, RpcManifests>;

/// What the routes work with.
struct Api {
    service: Service,
    executor: ExecutorHandle<Flights>,
    read_model: FlightReadModel,
}

impl Api {
    /// What a query has to cover: what its client has seen, or, if it does not say, soon what this process has seen happen.
    async fn cover(&self, requested: Option<Position>) -> Position {
        let requested = requested.unwrap_or_default();
        if requested.flight.is_none() {
            self.read_model.settle(self.executor.current().revision()).await;
        }
        requested
    }
}

/// Runs the flight API until `shutdown`. What it needs may be away at the start, and come later.
///
/// # Errors
/// [`RunError`] at once if a setting is not usable, or when a task that it needs has ended.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), RunError> {
    let event_store = EventStore::new(config.event_store.expose())?;
    let database = Database::new(config.database_url.expose())?;
    let snapshots = Snapshots::new(database.clone(), event_store.separate()?, STREAM);
    let ledger = shutdown.run_until_cancelled(snapshots.load::<Flights>()).await.unwrap_or_default();
    let (executor, handle) = Executor::new(STREAM, &event_store, ledger)?;
    let (read_model, follower) = ReadModel::new(database, FlightProjection::NAME);
    let manifests = RpcManifests::new(RpcClient::new("passenger API", &rpc_url(&config.passenger_api))?);
    let service = FlightService::new(handle.clone(), manifests);
    let checks = checks(handle.clone(), read_model.clone());
    let api = Arc::new(Api {
        service: service.clone(),
        executor: handle.clone(),
        read_model: FlightReadModel::new(read_model),
    });

    // The executor answers what is being served before it stops.
    let (stop_executor, stop_others) = (CancellationToken::new(), shutdown.child_token());
    let mut tasks = JoinSet::new();
    tasks.spawn(executor.with_append_bytes(config.append_bytes).run(stop_executor.clone()));
    tasks.spawn(follower.run(stop_others.clone()));
    tasks.spawn(snapshots.run(handle, stop_others.clone()));
    let (rpc, _rpc_handle) = shared_service::rpc::routes(rpc::methods(service));
    let served =
        shared_service::serve_beside(listener, routes::router(api, checks).merge(rpc), &mut tasks, shutdown).await;
    stop_others.cancel();
    stop_executor.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(served?)
}

fn rpc_url(service: &ServiceUrl) -> String {
    format!("{service}{}", shared_service::rpc::PATH)
}

fn checks(executor: ExecutorHandle<Flights>, read_model: ReadModel) -> Checks {
    Checks::new()
        .with("event-store", move || {
            let connected = executor.is_connected();
            async move { if connected { Ok(None) } else { Err("not connected to the event store".to_owned()) } }
        })
        .with("postgresql", move || {
            let read_model = read_model.clone();
            async move { read_model.revision().await.map(|_| None).map_err(|error| error.to_string()) }
        })
}
