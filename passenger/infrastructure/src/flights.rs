use flight_contract::{Admission, FlightId};
use flight_rpc::FlightRpcClient;
use passenger_application::{Completeness, Flights};
use shared_infrastructure::rpc::RpcClient;
use shared_kernel::{Cause, Interruption, Revision};
use shared_rpc::Fault;

/// The flight domain over JSON-RPC.
#[derive(Clone)]
pub struct RpcFlights {
    client: RpcClient,
}

impl RpcFlights {
    /// Calls the flight API through `client`.
    #[must_use]
    pub const fn new(client: RpcClient) -> Self {
        Self { client }
    }

    /// As [`Flights::note_manifest`], with the failure as the contract has it.
    pub(crate) async fn note(
        &self,
        flight_id: FlightId,
        completeness: Completeness,
        cause: Cause,
    ) -> Result<Option<Revision>, Fault> {
        let Completeness { complete, as_of } = completeness;
        let effect = self.client.call(|client| {
            let cause = cause.clone();
            async move { client.note_manifest(flight_id, complete, as_of, cause).await }
        });
        Ok(effect.await?.revision)
    }

    /// Whether each of these flights takes passengers.
    pub(crate) async fn admissions(&self, flight_ids: Vec<FlightId>) -> Result<Vec<Admission>, Fault> {
        let answer = self.client.call(|client| {
            let flight_ids = flight_ids.clone();
            async move { client.admissions(flight_ids).await }
        });
        answer.await
    }

    /// Closes the manifest of a flight that has ended.
    pub(crate) async fn close_manifest(&self, flight_id: FlightId, cause: Cause) -> Result<(), Fault> {
        let effect = self.client.call(|client| {
            let cause = cause.clone();
            async move { client.close_manifest(flight_id, cause).await }
        });
        effect.await.map(drop)
    }

    /// Completes the departure of a flight whose manifest is sealed.
    pub(crate) async fn complete_departure(&self, flight_id: FlightId, cause: Cause) -> Result<(), Fault> {
        let effect = self.client.call(|client| {
            let cause = cause.clone();
            async move { client.complete_departure(flight_id, cause).await }
        });
        effect.await.map(drop)
    }
}

impl Flights for RpcFlights {
    async fn admission(&self, flight_id: FlightId) -> Result<Admission, Interruption> {
        let answer = self.client.call(|client| async move { client.admission(flight_id).await }).await;
        // A question changes nothing, so there is no outcome that could be unknown.
        answer.map_err(|fault| Interruption::Unavailable(fault.to_string()))
    }

    async fn admission_now(&self, flight_id: FlightId) -> Result<Admission, Interruption> {
        let answer = self.admissions(vec![flight_id]).await;
        let admissions = answer.map_err(|fault| Interruption::Unavailable(fault.to_string()))?;
        let missing = || Interruption::Unavailable("the flight API does not answer about the flight".to_owned());
        admissions.first().copied().ok_or_else(missing)
    }

    async fn note_manifest(
        &self,
        flight_id: FlightId,
        completeness: Completeness,
        cause: Cause,
    ) -> Result<Option<Revision>, Interruption> {
        Ok(self.note(flight_id, completeness, cause).await?)
    }
}
