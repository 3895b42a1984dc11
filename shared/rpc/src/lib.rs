//! What the JSON-RPC contracts of all domains have in common: failures, and what a change led to.

mod fault;

pub use fault::Fault;

use serde::{Deserialize, Serialize};
use shared_kernel::Revision;

/// What a request to change the other domain led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// The newest event of the answering domain's stream that the caller's position has to cover to see the effect.
    pub revision: Option<Revision>,
}
