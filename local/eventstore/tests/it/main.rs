//! The event store as clients see it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod batch;
mod crash;
mod frames;
mod grpc;
mod http;
mod lifecycle;
mod support;

/// Each scenario with the `eventstore` client.
mod eventstore_client;
/// Each scenario with the `kurrentdb` client.
mod kurrentdb_client;
