use flight_contract::{Admission, FlightId};
use std::future::Future;

use shared_kernel::{Cause, Interruption, Revision};

/// Whether everybody on a manifest has boarded, as of an event of the passenger stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completeness {
    /// Everybody has.
    pub complete: bool,
    /// The event.
    pub as_of: Revision,
}

/// The flight domain, as far as passengers need it.
pub trait Flights: Send + Sync {
    /// Whether a flight takes passengers. "No" is certain; "yes" may be overtaken, and the manifest decides then.
    fn admission(&self, flight_id: FlightId) -> impl Future<Output = Result<Admission, Interruption>> + Send;

    /// The same as of everything that has happened by now, so that either answer is certain. A flight that is not known
    /// all about counts as if it took passengers.
    fn admission_now(&self, flight_id: FlightId) -> impl Future<Output = Result<Admission, Interruption>> + Send;

    /// Tells a flight whether everybody on its manifest has boarded. May be repeated. Answers the newest event of the
    /// flight stream that shows it.
    fn note_manifest(
        &self,
        flight_id: FlightId,
        completeness: Completeness,
        cause: Cause,
    ) -> impl Future<Output = Result<Option<Revision>, Interruption>> + Send;
}
