use flight_application::Manifests;
use flight_contract::FlightId;
use passenger_contract::{FlightEnding, SealAnswer};
use passenger_rpc::ManifestRpcClient;
use shared_infrastructure::rpc::RpcClient;
use shared_kernel::{Cause, Interruption, Revision};
use shared_rpc::Fault;

/// The passenger domain over JSON-RPC.
#[derive(Clone)]
pub struct RpcManifests {
    client: RpcClient,
}

impl RpcManifests {
    /// Calls the passenger API through `client`.
    #[must_use]
    pub const fn new(client: RpcClient) -> Self {
        Self { client }
    }

    /// As [`Manifests::close`], with the failure as the contract has it.
    pub(crate) async fn close_manifest(
        &self,
        flight_id: FlightId,
        ending: FlightEnding,
        cause: Cause,
    ) -> Result<Option<Revision>, Fault> {
        let effect = self.client.call(|client| {
            let cause = cause.clone();
            async move { client.close(flight_id, ending, cause).await }
        });
        Ok(effect.await?.revision)
    }
}

impl Manifests for RpcManifests {
    async fn seal(&self, flight_id: FlightId, cause: Cause) -> Result<SealAnswer, Interruption> {
        let answer = self.client.call(|client| {
            let cause = cause.clone();
            async move { client.seal(flight_id, cause).await }
        });
        answer.await.map_err(Interruption::from)
    }

    async fn preview_seal(&self, flight_id: FlightId) -> Result<SealAnswer, Interruption> {
        let answer = self.client.call(|client| async move { client.preview_seal(flight_id).await }).await;
        // A question changes nothing, so there is no outcome that could be unknown.
        answer.map_err(|fault| Interruption::Unavailable(fault.to_string()))
    }

    async fn close(
        &self,
        flight_id: FlightId,
        ending: FlightEnding,
        cause: Cause,
    ) -> Result<Option<Revision>, Interruption> {
        self.close_manifest(flight_id, ending, cause).await.map_err(Interruption::from)
    }
}
