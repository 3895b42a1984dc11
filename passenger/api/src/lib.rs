//! The passenger API: commands and queries of passengers and manifests over HTTP, and what the flight domain asks over
//! JSON-RPC.

mod input;
mod problems;
mod routes;
mod rpc;

use std::sync::Arc;

use passenger_application::PassengerService;
use passenger_core::Passengers;
use passenger_infrastructure::{PassengerProjection, PassengerReadModel, RpcFlights};
use shared_api::{Backend, DomainApi, Routes};
use shared_infrastructure::executor::ExecutorHandle;
use shared_infrastructure::reader::Projection;
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers};
use shared_kernel::Domain;

/// The passenger API.
pub struct PassengerApi;

type Service = PassengerService<ExecutorHandle<Passengers>, RpcFlights, PassengerReadModel>;

/// What the routes work with.
struct Api {
    backend: Backend<Passengers>,
    service: Service,
    read_model: PassengerReadModel,
}

impl DomainApi for PassengerApi {
    const DOMAIN: &'static Domain = passenger_contract::DOMAIN;
    const PROJECTION: &'static str = PassengerProjection::NAME;
    type Decider = Passengers;

    fn routes(backend: Backend<Passengers>, peers: &Peers) -> Result<Routes, InvalidRpcAddress> {
        let flights = RpcFlights::new(peers.client(flight_contract::DOMAIN)?);
        let read_model = PassengerReadModel::new(backend.read_model.clone());
        let service = PassengerService::new(backend.executor.clone(), flights, read_model.clone());
        let rpc = rpc::methods(service.clone()).into();
        Ok(Routes { public: routes::router(Arc::new(Api { backend, service, read_model })), rpc })
    }
}
