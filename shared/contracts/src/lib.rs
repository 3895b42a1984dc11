//! What the flight and the passenger domain say to each other: the only thing both know of one another.
//!
//! Every method may be repeated: a caller that did not get an answer asks again.

mod fault;
pub mod flight;
pub mod manifest;

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
