use flight_contract::FlightId;
use jsonrpsee::RpcModule;
use jsonrpsee::core::{RpcResult, async_trait};
use passenger_contract::{FlightEnding, SealAnswer};
use passenger_rpc::ManifestRpcServer;
use shared_kernel::{Cause, CommandContext, Interruption};
use shared_rpc::{Effect, Fault};
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
        outcome.map_err(|interruption| Fault::answer(&interruption))
    }

    async fn preview_seal(&self, flight_id: FlightId) -> RpcResult<SealAnswer> {
        let outcome = self.service.preview_seal(flight_id).await.map_err(Interruption::from);
        outcome.map_err(|interruption| Fault::answer(&interruption))
    }

    async fn close(&self, flight_id: FlightId, ending: FlightEnding, cause: Cause) -> RpcResult<Effect> {
        Effect::answer(self.service.close(flight_id, ending, cause).await)
    }
}
