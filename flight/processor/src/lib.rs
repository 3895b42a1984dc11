//! The flight processor: projects `flight-stream` into PostgreSQL, and closes the manifests of flights that have ended.

use flight_infrastructure::{FlightProjection, FlightReactions, RpcManifests, STREAM, migrations};
use shared_infrastructure::rpc::{InvalidRpcAddress, RpcClient};
use shared_processor::Domain;
use shared_service::settings::{SecretUrl, ServiceUrl};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the flight processor needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The flight domain's database.
    pub database_url: SecretUrl,
    /// How many connections to it requests share.
    pub database_connections: usize,
    /// The event store.
    pub event_store: SecretUrl,
    /// The passenger API, for JSON-RPC.
    pub passenger_api: ServiceUrl,
}

/// A setting is not usable.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database's or the event store's address.
    #[error(transparent)]
    Processor(#[from] shared_processor::StartError),
    /// The passenger API's address.
    #[error(transparent)]
    PassengerApi(#[from] InvalidRpcAddress),
}

/// Runs the flight processor until `shutdown`. What it needs may be away at the start, and come later.
///
/// # Errors
/// [`StartError`] at once if a setting is not usable.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), StartError> {
    let url = shared_service::rpc::url(&config.passenger_api);
    let manifests = RpcManifests::new(RpcClient::new("passenger API", &url)?);
    let domain = Domain {
        stream: STREAM,
        migrations: migrations(),
        projection: FlightProjection,
        reaction: FlightReactions::new(manifests),
    };
    let config = shared_processor::Config {
        database_url: config.database_url,
        database_connections: config.database_connections,
        event_store: config.event_store,
    };
    Ok(shared_processor::run(config, domain, listener, shutdown).await?)
}
