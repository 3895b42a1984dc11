//! The event store as clients see it in strict mode: all that it has in common with the other one, and what it has not.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

const STRICT: bool = true;

#[path = "it/bare.rs"]
mod bare;
#[path = "it/batch.rs"]
mod batch;
#[path = "it/cluster.rs"]
mod cluster;
#[path = "it/codec.rs"]
mod codec;
#[path = "it/deletes.rs"]
mod deletes;
#[path = "it/eventstore_client.rs"]
mod eventstore_client;
#[path = "it/files.rs"]
mod files;
#[path = "it/frames.rs"]
mod frames;
#[path = "it/grpc.rs"]
mod grpc;
#[path = "it/guard.rs"]
mod guard;
#[path = "it/half_sent.rs"]
mod half_sent;
#[path = "it/http.rs"]
mod http;
#[path = "it/kurrentdb_client.rs"]
mod kurrentdb_client;
#[path = "it/positions.rs"]
mod positions;
#[path = "it/raw.rs"]
mod raw;
#[path = "it/refusals.rs"]
mod refusals;
#[path = "it/rights.rs"]
mod rights;
#[path = "it/silence.rs"]
mod silence;
#[path = "it/strictness.rs"]
mod strictness;
#[path = "it/support.rs"]
mod support;
