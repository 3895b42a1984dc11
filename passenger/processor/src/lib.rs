//! The passenger processor: projects `passenger-stream` into PostgreSQL, and tells flights what became of their
//! manifests.

use passenger_infrastructure::{PassengerProjection, PassengerReactions, RpcFlights, migrations};
use refinery::Runner;
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers};
use shared_kernel::Domain;
use shared_processor::DomainProcessor;

/// The passenger processor.
pub struct PassengerProcessor;

impl DomainProcessor for PassengerProcessor {
    const DOMAIN: &'static Domain = passenger_contract::DOMAIN;
    type Projection = PassengerProjection;
    type Reaction = PassengerReactions;

    fn migrations() -> Runner {
        migrations()
    }

    fn reaction(peers: &Peers) -> Result<PassengerReactions, InvalidRpcAddress> {
        Ok(PassengerReactions::new(RpcFlights::new(peers.client(flight_contract::DOMAIN)?)))
    }
}
