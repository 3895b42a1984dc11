//! The flight API: commands and queries over HTTP, and what the passenger domain asks over JSON-RPC.

mod input;
mod problems;
mod routes;
mod rpc;

use std::sync::Arc;

use flight_application::FlightService;
use flight_core::Flights;
use flight_infrastructure::{FlightProjection, FlightReadModel, RpcManifests};
use shared_api::{Backend, DomainApi, Routes};
use shared_infrastructure::executor::ExecutorHandle;
use shared_infrastructure::reader::Projection;
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers};
use shared_kernel::Domain;

/// The flight API.
pub struct FlightApi;

type Service = FlightService<ExecutorHandle<Flights>, RpcManifests>;

/// What the routes work with.
struct Api {
    backend: Backend<Flights>,
    service: Service,
    read_model: FlightReadModel,
}

impl DomainApi for FlightApi {
    const DOMAIN: &'static Domain = flight_contract::DOMAIN;
    const PROJECTION: &'static str = FlightProjection::NAME;
    type Decider = Flights;

    fn routes(backend: Backend<Flights>, peers: &Peers) -> Result<Routes, InvalidRpcAddress> {
        let manifests = RpcManifests::new(peers.client(passenger_contract::DOMAIN)?);
        let service = FlightService::new(backend.executor.clone(), manifests);
        let rpc = rpc::methods(service.clone()).into();
        let read_model = FlightReadModel::new(backend.read_model.clone());
        Ok(Routes { public: routes::router(Arc::new(Api { backend, service, read_model })), rpc })
    }
}
