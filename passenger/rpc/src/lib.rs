//! The passenger domain's JSON-RPC methods.
//!
//! Every method may be repeated: a caller that did not get an answer asks again.

use flight_contract::FlightId;
use passenger_contract::{FlightEnding, SealAnswer};
use shared_kernel::Cause;
use shared_rpc::Effect;

shared_rpc::contract! {
    /// The passenger domain's JSON-RPC methods.
    #[namespace = "manifest"]
    pub trait ManifestRpc {
        /// Seals the manifest of a flight that is about to depart. The seal decides: nobody can be added, boarded or
        /// offloaded after it.
        #[name = "seal"]
        async fn seal(&self, flight_id: FlightId, cause: Cause) -> SealAnswer;

        /// What `seal` would answer now, without sealing.
        #[name = "previewSeal"]
        async fn preview_seal(&self, flight_id: FlightId) -> SealAnswer;

        /// Closes the manifest of a flight that has ended, for good. The flight is asked about it; fails if it has not
        /// ended like that.
        #[name = "close"]
        async fn close(&self, flight_id: FlightId, ending: FlightEnding, cause: Cause) -> Effect;
    }
}
