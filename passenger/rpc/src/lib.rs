//! The passenger domain's JSON-RPC methods.
//!
//! Every method may be repeated: a caller that did not get an answer asks again.

use flight_contract::FlightId;
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use passenger_contract::{FlightEnding, SealAnswer};
use shared_kernel::Cause;
use shared_rpc::Effect;

/// The passenger domain's JSON-RPC methods.
#[rpc(client, server, namespace = "manifest", namespace_separator = ".")]
pub trait ManifestRpc {
    /// Seals the manifest of a flight that is about to depart. The seal decides: nobody can be added, boarded or
    /// offloaded after it.
    #[method(name = "seal", param_kind = map)]
    async fn seal(&self, flight_id: FlightId, cause: Cause) -> RpcResult<SealAnswer>;

    /// What `seal` would answer now, without sealing.
    #[method(name = "previewSeal", param_kind = map)]
    async fn preview_seal(&self, flight_id: FlightId) -> RpcResult<SealAnswer>;

    /// Closes the manifest of a flight that has ended, for good. The flight is asked about it; fails if it has not ended
    /// like that.
    #[method(name = "close", param_kind = map)]
    async fn close(&self, flight_id: FlightId, ending: FlightEnding, cause: Cause) -> RpcResult<Effect>;
}
