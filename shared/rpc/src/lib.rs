//! What the JSON-RPC contracts of all domains have in common: how they are declared and told to others, failures, and
//! what a change led to.

mod fault;
pub mod openrpc;

pub use fault::Fault;

use jsonrpsee::core::RpcResult;
use serde::{Deserialize, Serialize};
use shared_kernel::{Interruption, Revision};

/// What a request to change the other domain led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// The newest event of the answering domain's stream that the caller's position has to cover to see the effect.
    pub revision: Option<Revision>,
}

shared_kernel::described! {
    Effect as "Effect", "What a request to change something led to" {
        "revision": Option<Revision> = 4711,
    }
}

impl Effect {
    /// The answer to a request to change something.
    ///
    /// # Errors
    /// [`Fault::answer`] if it was not carried out.
    pub fn answer(outcome: Result<Option<Revision>, impl Into<Interruption>>) -> RpcResult<Self> {
        outcome.map(|revision| Self { revision }).map_err(|error| Fault::answer(&error.into()))
    }
}
