use flight_application::{Manifests, MissingPassenger, SealOutcome};
use shared_contracts::Fault;
use shared_contracts::manifest::{FlightEnding, ManifestRpcClient, SealAnswer};
use shared_infrastructure::rpc::RpcClient;
use shared_kernel::{Cause, FlightId, Interruption, Revision};

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
    async fn seal(&self, flight_id: FlightId, cause: Cause) -> Result<SealOutcome, Interruption> {
        let answer = self.client.call(|client| {
            let cause = cause.clone();
            async move { client.seal(flight_id, cause).await }
        });
        Ok(match answer.await.map_err(Interruption::from)? {
            SealAnswer::Sealed { revision } => SealOutcome::Sealed(revision),
            SealAnswer::Closed => SealOutcome::Closed,
            SealAnswer::NotAllBoarded { missing, passengers, revision } => SealOutcome::NotAllBoarded {
                missing,
                revision,
                passengers: passengers
                    .into_iter()
                    .map(|passenger| MissingPassenger { id: passenger.id, name: passenger.name })
                    .collect(),
            },
        })
    }

    async fn close(&self, flight_id: FlightId, landed: bool, cause: Cause) -> Result<Option<Revision>, Interruption> {
        let ending = if landed { FlightEnding::Landed } else { FlightEnding::Deleted };
        self.close_manifest(flight_id, ending, cause).await.map_err(Interruption::from)
    }
}
