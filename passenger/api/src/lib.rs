//! The passenger API: commands and queries of passengers and manifests over HTTP, and what the flight domain asks over
//! JSON-RPC.

mod input;
mod operations;
mod problems;
mod routes;
mod rpc;

use std::sync::Arc;

use jsonrpsee::Methods;
use passenger_application::PassengerService;
use passenger_core::Passengers;
use passenger_infrastructure::{PassengerProjection, PassengerReadModel, RpcFlights};
use shared_api::{Backend, DomainApi};
use shared_infrastructure::executor::ExecutorHandle;
use shared_infrastructure::reader::Projection;
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers};
use shared_kernel::Domain;
use shared_service::Routes;

/// The passenger API.
pub struct PassengerApi;

type Service = PassengerService<ExecutorHandle<Passengers>, RpcFlights, PassengerReadModel>;

/// What the routes work with.
pub struct Api {
    backend: Backend<Passengers>,
    service: Service,
    read_model: PassengerReadModel,
}

impl DomainApi for PassengerApi {
    const DOMAIN: &'static Domain = passenger_contract::DOMAIN;
    const PROJECTION: &'static str = PassengerProjection::NAME;
    type Decider = Passengers;
    type Api = Api;

    fn routes() -> Routes<Arc<Api>> {
        routes::all()
    }

    fn api(backend: Backend<Passengers>, peers: &Peers) -> Result<Api, InvalidRpcAddress> {
        let flights = RpcFlights::new(peers.client(flight_contract::DOMAIN)?);
        let read_model = PassengerReadModel::new(backend.read_model.clone());
        let service = PassengerService::new(backend.executor.clone(), flights, read_model.clone());
        Ok(Api { backend, service, read_model })
    }

    fn methods(api: &Api) -> Methods {
        rpc::methods(api.service.clone()).into()
    }
}
