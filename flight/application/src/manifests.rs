use flight_contract::FlightId;
use passenger_contract::{FlightEnding, SealAnswer};
use std::future::Future;

use shared_kernel::{Cause, Interruption, Revision};

/// The passenger domain, as far as flights need it.
pub trait Manifests: Send + Sync {
    /// Asks for a flight's manifest to be sealed. May be repeated.
    fn seal(&self, flight_id: FlightId, cause: Cause) -> impl Future<Output = Result<SealAnswer, Interruption>> + Send;

    /// What [`Manifests::seal`] would answer now, without sealing.
    fn preview_seal(&self, flight_id: FlightId) -> impl Future<Output = Result<SealAnswer, Interruption>> + Send;

    /// Closes the manifest of a flight that has ended. May be repeated. Answers the newest event of the
    /// passenger stream that shows it.
    fn close(
        &self,
        flight_id: FlightId,
        ending: FlightEnding,
        cause: Cause,
    ) -> impl Future<Output = Result<Option<Revision>, Interruption>> + Send;
}
