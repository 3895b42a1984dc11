//! The flight processor: projects `flight-stream` into PostgreSQL, and closes the manifests of flights that have ended.

use flight_infrastructure::{FlightProjection, FlightReactions, RpcManifests, migrations};
use refinery::Runner;
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers};
use shared_kernel::Domain;
use shared_processor::DomainProcessor;

/// The flight processor.
pub struct FlightProcessor;

impl DomainProcessor for FlightProcessor {
    const DOMAIN: &'static Domain = flight_contract::DOMAIN;
    type Projection = FlightProjection;
    type Reaction = FlightReactions;

    fn migrations() -> Runner {
        migrations()
    }

    fn reaction(peers: &Peers) -> Result<FlightReactions, InvalidRpcAddress> {
        Ok(FlightReactions::new(RpcManifests::new(peers.client(passenger_contract::DOMAIN)?)))
    }
}
