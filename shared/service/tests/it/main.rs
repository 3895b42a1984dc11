//! The edge of a service, seen from outside.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod connections;
mod edges;
mod fingerprints;
mod headers;
mod health;
mod hosts;
mod in_process;
mod listening;
mod lists;
mod metrics;
mod origin;
mod paths;
mod preconditions;
mod problems;
mod process;
mod properties;
mod secrets;
mod server;
mod support;
mod times;
mod tokens;
