//! The flight API: commands and queries over HTTP, and what the passenger domain asks over JSON-RPC.

mod input;
mod operations;
mod problems;
mod routes;
mod rpc;

use std::sync::Arc;

use flight_application::FlightService;
use flight_core::Flights;
use flight_infrastructure::{FlightProjection, FlightReadModel, RpcManifests};
use jsonrpsee::Methods;
use shared_api::{Backend, DomainApi};
use shared_infrastructure::executor::ExecutorHandle;
use shared_infrastructure::reader::Projection;
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers};
use shared_kernel::Domain;
use shared_service::Routes;

/// The flight API.
pub struct FlightApi;

type Service = FlightService<ExecutorHandle<Flights>, RpcManifests>;

/// What the routes work with.
pub struct Api {
    backend: Backend<Flights>,
    service: Service,
    read_model: FlightReadModel,
}

impl DomainApi for FlightApi {
    const DOMAIN: &'static Domain = flight_contract::DOMAIN;
    const PROJECTION: &'static str = FlightProjection::NAME;
    type Decider = Flights;
    type Api = Api;

    fn routes() -> Routes<Arc<Api>> {
        routes::all()
    }

    fn api(backend: Backend<Flights>, peers: &Peers) -> Result<Api, InvalidRpcAddress> {
        let manifests = RpcManifests::new(peers.client(passenger_contract::DOMAIN)?);
        let service = FlightService::new(backend.executor.clone(), manifests);
        let read_model = FlightReadModel::new(backend.read_model.clone());
        Ok(Api { backend, service, read_model })
    }

    fn methods(api: &Api) -> Methods {
        rpc::methods(api.service.clone()).into()
    }
}
