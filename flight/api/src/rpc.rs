use flight_contract::{Admission, FlightId};
use flight_rpc::FlightRpcServer;
use jsonrpsee::RpcModule;
use jsonrpsee::core::{RpcResult, async_trait};
use shared_kernel::{Cause, CommandContext, Interruption, Revision};
use shared_rpc::{Effect, Fault};
use uuid::Uuid;

use crate::Service;

/// The JSON-RPC methods that the passenger domain calls.
pub(crate) fn methods(service: Service) -> RpcModule<FlightRpc> {
    FlightRpc { service }.into_rpc()
}

pub(crate) struct FlightRpc {
    service: Service,
}

#[async_trait]
impl FlightRpcServer for FlightRpc {
    async fn admission(&self, flight_id: FlightId) -> RpcResult<Admission> {
        let answer = self.service.admission(flight_id).await.map_err(Interruption::from);
        answer.map_err(|interruption| Fault::answer(&interruption))
    }

    async fn admissions(&self, flight_ids: Vec<FlightId>) -> RpcResult<Vec<Admission>> {
        let answer = self.service.admissions(&flight_ids).await.map_err(Interruption::from);
        answer.map_err(|interruption| Fault::answer(&interruption))
    }

    async fn close_manifest(&self, flight_id: FlightId, cause: Cause) -> RpcResult<Effect> {
        Effect::answer(self.service.close_manifest(flight_id, cause).await)
    }

    async fn note_manifest(
        &self,
        flight_id: FlightId,
        complete: bool,
        manifest_revision: Revision,
        cause: Cause,
    ) -> RpcResult<Effect> {
        let context = CommandContext::caused_by(Uuid::now_v7(), cause);
        let noted = self.service.note_manifest(flight_id, complete, manifest_revision, context).await;
        Effect::answer(noted)
    }

    async fn complete_departure(&self, flight_id: FlightId, cause: Cause) -> RpcResult<Effect> {
        let context = CommandContext::caused_by(Uuid::now_v7(), cause);
        Effect::answer(self.service.complete_departure(flight_id, context).await)
    }
}
