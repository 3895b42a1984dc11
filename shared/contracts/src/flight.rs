//! What the flight API answers to the passenger domain.

use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde::{Deserialize, Serialize};
use shared_kernel::{Cause, FlightId, Revision};

use crate::Effect;

/// Whether a flight takes passengers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Admission {
    /// It is at the gate.
    Open,
    /// There is no such flight, or it was deleted.
    UnknownFlight,
    /// It has left the gate.
    Departed,
    /// It has landed.
    Arrived,
}

/// The flight domain's JSON-RPC methods.
#[rpc(client, server, namespace = "flight", namespace_separator = ".")]
pub trait FlightRpc {
    /// Whether the flight takes passengers. Only "no" is certain at the time of the answer; "yes" may be overtaken,
    /// and the manifest's own state decides then.
    #[method(name = "admission", param_kind = map)]
    async fn admission(&self, flight_id: FlightId) -> RpcResult<Admission>;

    /// Tells the flight whether everybody on its manifest has boarded, as of `manifest_revision` of the passenger
    /// stream. Older news than the flight has is ignored, and so is news about a flight that is no longer at the gate.
    #[method(name = "noteManifest", param_kind = map)]
    async fn note_manifest(
        &self,
        flight_id: FlightId,
        complete: bool,
        manifest_revision: Revision,
        cause: Cause,
    ) -> RpcResult<Effect>;

    /// Completes the departure of a flight whose manifest is sealed. Does nothing to a flight that has departed
    /// already or no longer exists.
    #[method(name = "completeDeparture", param_kind = map)]
    async fn complete_departure(&self, flight_id: FlightId, cause: Cause) -> RpcResult<Effect>;
}
