//! The flight domain's JSON-RPC methods.
//!
//! Every method may be repeated: a caller that did not get an answer asks again.

use flight_contract::{Admission, FlightId};
use shared_kernel::{Cause, Revision};
use shared_rpc::Effect;

shared_rpc::contract! {
    /// The flight domain's JSON-RPC methods.
    #[namespace = "flight"]
    pub trait FlightRpc {
        /// Whether the flight takes passengers. Only "no" is certain at the time of the answer; "yes" may be overtaken,
        /// and the manifest's own state decides then.
        #[name = "admission"]
        async fn admission(&self, flight_id: FlightId) -> Admission;

        /// The same of several flights, in their order, as of everything that has happened by now.
        #[name = "admissions"]
        async fn admissions(&self, flight_ids: Vec<FlightId>) -> Vec<Admission>;

        /// Closes the manifest of a flight that has landed or was deleted, once more. Does nothing for any other
        /// flight.
        #[name = "closeManifest"]
        async fn close_manifest(&self, flight_id: FlightId, cause: Cause) -> Effect;

        /// Tells the flight whether everybody on its manifest has boarded, as of `manifest_revision` of the passenger
        /// stream. Older news than the flight has is ignored, and so is news about a flight that is no longer at the
        /// gate.
        #[name = "noteManifest"]
        async fn note_manifest(
            &self,
            flight_id: FlightId,
            complete: bool,
            manifest_revision: Revision,
            cause: Cause,
        ) -> Effect;

        /// Completes the departure of a flight whose manifest is sealed, which the manifest is asked about; fails if it
        /// is not. Does nothing to a flight that has departed already or no longer exists.
        #[name = "completeDeparture"]
        async fn complete_departure(&self, flight_id: FlightId, cause: Cause) -> Effect;
    }
}
