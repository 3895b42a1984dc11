//! The event store as clients see it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

/// Whether servers behave like EventStoreDB where that hurts. `tests/strict.rs` runs the same in the other mode.
const STRICT: bool = false;

mod bare;
mod batch;
mod cluster;
mod codec;
mod crash;
mod deletes;
#[cfg(target_os = "linux")]
mod durability;
mod files;
mod frames;
mod grpc;
mod guard;
mod half_sent;
mod http;
mod lifecycle;
mod migration;
mod positions;
mod program;
mod raw;
mod refusals;
mod rights;
mod silence;
mod support;

/// Each scenario with the `eventstore` client.
mod eventstore_client;
/// Each scenario with the `kurrentdb` client.
mod kurrentdb_client;
