//! The passenger API: commands and queries of passengers and manifests over HTTP, and what the flight domain asks over
//! JSON-RPC.

mod input;
mod problems;
mod routes;
mod rpc;

use std::sync::Arc;

use passenger_application::PassengerService;
use passenger_core::Passengers;
use passenger_infrastructure::{PassengerProjection, PassengerReadModel, RpcFlights, STREAM};
use shared_api::Domain;
pub use shared_api::RunError;
use shared_infrastructure::executor::ExecutorHandle;
use shared_infrastructure::projector::Projection;
use shared_infrastructure::rpc::RpcClient;
use shared_kernel::Position;
use shared_service::settings::ServiceUrl;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the passenger API needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it reads and writes.
    pub domain: shared_api::Config,
    /// The flight API, for JSON-RPC.
    pub flight_api: ServiceUrl,
}

type Service = PassengerService<ExecutorHandle<Passengers>, RpcFlights>;

/// What the routes work with.
struct Api {
    service: Service,
    executor: ExecutorHandle<Passengers>,
    read_model: PassengerReadModel,
}

impl Api {
    /// What a query has to cover: what its client has seen, or, if it does not say, soon what this process has seen happen.
    async fn cover(&self, requested: Option<Position>) -> Position {
        let requested = requested.unwrap_or_default();
        if requested.passenger.is_none() {
            self.read_model.settle(self.executor.current().revision()).await;
        }
        requested
    }
}

/// Runs the passenger API until `shutdown`. What it needs may be away at the start, and come later.
///
/// # Errors
/// [`RunError`] at once if a setting is not usable, or when a task that it needs has ended.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), RunError> {
    let url = shared_service::rpc::url(&config.flight_api);
    let flights = RpcFlights::new(RpcClient::new("flight API", &url)?);
    let domain = Domain::prepare(&config.domain, STREAM, PassengerProjection::NAME, &shutdown).await?;
    let service = PassengerService::new(domain.executor(), flights);
    let (rpc, _rpc_handle) = shared_service::rpc::routes(rpc::methods(service.clone()));
    let read_model = PassengerReadModel::new(domain.read_model());
    let api = Arc::new(Api { service, executor: domain.executor(), read_model });
    let router = routes::router(api, domain.checks()).merge(rpc);
    domain.run(listener, router, shutdown).await
}
