use std::future::Future;

use shared_kernel::{Cause, FlightId, Interruption, PassengerId, Revision};

/// The passenger domain, as far as flights need it.
pub trait Manifests: Send + Sync {
    /// Asks for a flight's manifest to be sealed. May be repeated.
    fn seal(&self, flight_id: FlightId, cause: Cause)
    -> impl Future<Output = Result<SealOutcome, Interruption>> + Send;

    /// Closes the manifest of a flight that has landed, or was deleted. May be repeated. Answers the newest event of the
    /// passenger stream that shows it.
    fn close(
        &self,
        flight_id: FlightId,
        landed: bool,
        cause: Cause,
    ) -> impl Future<Output = Result<Option<Revision>, Interruption>> + Send;
}

/// What became of a request to seal a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealOutcome {
    /// It is sealed.
    Sealed(Option<Revision>),
    /// Somebody has not boarded.
    NotAllBoarded {
        /// How many; zero if there is no passenger at all.
        missing: u64,
        /// The first of them.
        passengers: Vec<MissingPassenger>,
        /// The newest event of the passenger stream that was taken into account.
        revision: Option<Revision>,
    },
    /// The flight's end has closed it.
    Closed,
}

/// A passenger who has not boarded.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct MissingPassenger {
    /// Who.
    pub id: PassengerId,
    /// Personal data: for the answer to a person, not for a log.
    pub name: String,
}

impl std::fmt::Debug for MissingPassenger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MissingPassenger").field("id", &self.id).finish_non_exhaustive()
    }
}
