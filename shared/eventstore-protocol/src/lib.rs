//! EventStoreDB's gRPC messages and services, as far as this system speaks them: generated from `proto/`, for the client
//! that appends and for the embedded event store.

pub mod id;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/proto.rs"));
}

pub use generated::event_store::client;
pub use generated::event_store::client::{gossip, persistent_subscriptions, server_features, streams};
