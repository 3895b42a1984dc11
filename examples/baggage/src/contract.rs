//! What others know of the domain.

use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use shared_kernel::{Cause, Domain, ProblemType, PublicKey, Stream};
use shared_rpc::Effect;

pub(crate) const STREAM: Stream = Stream::new("baggage-stream", "b");

pub(crate) const DOMAIN: &Domain = &Domain {
    name: "baggage",
    stream: STREAM,
    collections: &["bags"],
    id_field: "bagId",
    calls: &["flight", "baggage"],
    problem_types: ALL,
    api_port: 8084,
    processor_port: 8094,
};

shared_kernel::problem_types! {
    BAG_NOT_FOUND = 404, "bag-not-found", "Bag not found", "There is no bag with this id.", "Check the id.";
}

shared_kernel::id! {
    /// Identifies a bag.
    BagId
}

impl PublicKey for BagId {
    const NOT_FOUND: &'static ProblemType = BAG_NOT_FOUND;
}

/// What the domain's processor asks of its API.
#[rpc(client, server, namespace = "baggage", namespace_separator = ".")]
pub(crate) trait BaggageRpc {
    /// Leaves a bag behind. May be repeated.
    #[method(name = "leaveBehind", param_kind = map)]
    async fn leave_behind(&self, bag_id: BagId, cause: Cause) -> RpcResult<Effect>;
}
