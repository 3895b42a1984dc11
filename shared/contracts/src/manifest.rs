//! What the passenger API answers to the flight domain.

use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde::{Deserialize, Serialize};
use shared_kernel::{Cause, FlightId, PassengerId, Revision};

use crate::Effect;

/// What became of a request to seal a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "answer")]
pub enum SealAnswer {
    /// It is sealed: everybody has boarded, and nobody can be added any more.
    Sealed {
        /// The newest event of the passenger stream that a position has to cover to see it.
        revision: Option<Revision>,
    },
    /// Somebody has not boarded, or nobody is on the manifest at all.
    NotAllBoarded {
        /// How many have not boarded; zero if there is no passenger.
        missing: u64,
        /// The first of those who have not boarded, at most [`MAX_MISSING_NAMED`].
        passengers: Vec<MissingPassenger>,
        /// The newest event of the passenger stream that was taken into account.
        revision: Option<Revision>,
    },
    /// The flight's end has closed it.
    Closed,
}

/// How many missing passengers are named at most.
pub const MAX_MISSING_NAMED: usize = 50;

/// A passenger who has not boarded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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

/// How a flight ended, for its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FlightEnding {
    /// It landed: those on board have arrived.
    Landed,
    /// It was deleted: its passengers are removed.
    Deleted,
}

/// The passenger domain's JSON-RPC methods.
#[rpc(client, server, namespace = "manifest", namespace_separator = ".")]
pub trait ManifestRpc {
    /// Seals the manifest of a flight that is about to depart. The seal decides: nobody can be added, boarded or
    /// offloaded after it.
    #[method(name = "seal", param_kind = map)]
    async fn seal(&self, flight_id: FlightId, cause: Cause) -> RpcResult<SealAnswer>;

    /// Closes the manifest of a flight that has ended, for good.
    #[method(name = "close", param_kind = map)]
    async fn close(&self, flight_id: FlightId, ending: FlightEnding, cause: Cause) -> RpcResult<Effect>;
}
