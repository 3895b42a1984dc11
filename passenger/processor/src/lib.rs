//! The passenger processor: projects `passenger-stream` into PostgreSQL, and tells flights what became of their manifests.

use passenger_infrastructure::{PassengerProjection, PassengerReactions, RpcFlights, STREAM, migrations};
use shared_infrastructure::rpc::{InvalidRpcAddress, RpcClient};
use shared_processor::Domain;
use shared_service::settings::{SecretUrl, ServiceUrl};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the passenger processor needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The passenger domain's database.
    pub database_url: SecretUrl,
    /// How many connections to it requests share.
    pub database_connections: usize,
    /// The event store.
    pub event_store: SecretUrl,
    /// The flight API, for JSON-RPC.
    pub flight_api: ServiceUrl,
}

/// A setting is not usable.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database's or the event store's address.
    #[error(transparent)]
    Processor(#[from] shared_processor::StartError),
    /// The flight API's address.
    #[error(transparent)]
    FlightApi(#[from] InvalidRpcAddress),
}

/// Runs the passenger processor until `shutdown`. What it needs may be away at the start, and come later.
///
/// # Errors
/// [`StartError`] at once if a setting is not usable.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), StartError> {
    let url = shared_service::rpc::url(&config.flight_api);
    let flights = RpcFlights::new(RpcClient::new("flight API", &url)?);
    let domain = Domain {
        stream: STREAM,
        migrations: migrations(),
        projection: PassengerProjection,
        reaction: PassengerReactions::new(flights),
    };
    let config = shared_processor::Config {
        database_url: config.database_url,
        database_connections: config.database_connections,
        event_store: config.event_store,
    };
    Ok(shared_processor::run(config, domain, listener, shutdown).await?)
}
