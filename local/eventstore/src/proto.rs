//! The generated gRPC messages and services, and conversions that belong to no single service.

#![allow(missing_docs, unreachable_pub, clippy::all)]

mod generated {
    include!(concat!(env!("OUT_DIR"), "/proto.rs"));
}

pub(crate) use generated::event_store::client;
pub(crate) use generated::event_store::client::{gossip, persistent_subscriptions, server_features, streams};
