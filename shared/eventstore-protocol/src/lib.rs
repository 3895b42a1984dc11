//! EventStoreDB's gRPC messages and services as their client sees them, as far as this system appends and reads by them.
//! Generated from `proto/`, from which the embedded event store generates the server's side.

pub mod id;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/proto.rs"));
}

pub use generated::event_store::client;
pub use generated::event_store::client::{gossip, streams};
