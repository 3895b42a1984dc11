//! EventStoreDB's gRPC messages and services as far as this system appends, reads and makes users by them.
//! Generated from `proto/`, from which the embedded event store generates a server's side of its own.

pub mod id;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/proto.rs"));
}

pub use generated::event_store::client;
pub use generated::event_store::client::{gossip, streams, users};
