use jsonrpsee::RpcModule;
use jsonrpsee::core::{RpcResult, async_trait};
use passenger_application::SealOutcome;
use passenger_core::Ending;
use shared_contracts::manifest::{FlightEnding, ManifestRpcServer, MissingPassenger, SealAnswer};
use shared_contracts::{Effect, Fault};
use shared_kernel::{Cause, CommandContext, FlightId, Interruption};
use uuid::Uuid;

use crate::Service;

/// The JSON-RPC methods that the flight domain calls.
pub(crate) fn methods(service: Service) -> RpcModule<ManifestRpc> {
    ManifestRpc { service }.into_rpc()
}

pub(crate) struct ManifestRpc {
    service: Service,
}

#[async_trait]
impl ManifestRpcServer for ManifestRpc {
    async fn seal(&self, flight_id: FlightId, cause: Cause) -> RpcResult<SealAnswer> {
        let context = CommandContext::caused_by(Uuid::now_v7(), cause);
        let outcome = self.service.seal(flight_id, context).await.map_err(Interruption::from);
        Ok(match outcome.map_err(|interruption| Fault::answer(&interruption))? {
            SealOutcome::Sealed(revision) => SealAnswer::Sealed { revision },
            SealOutcome::Closed => SealAnswer::Closed,
            SealOutcome::NotAllBoarded { missing, passengers, revision } => SealAnswer::NotAllBoarded {
                missing,
                revision,
                passengers: passengers
                    .into_iter()
                    .map(|passenger| MissingPassenger { id: passenger.id, name: passenger.name.as_str().to_owned() })
                    .collect(),
            },
        })
    }

    async fn close(&self, flight_id: FlightId, ending: FlightEnding, cause: Cause) -> RpcResult<Effect> {
        let ending = match ending {
            FlightEnding::Landed => Ending::Landed,
            FlightEnding::Deleted => Ending::Deleted,
        };
        let closed = self.service.close(flight_id, ending, cause).await.map_err(Interruption::from);
        closed.map(|revision| Effect { revision }).map_err(|interruption| Fault::answer(&interruption))
    }
}
