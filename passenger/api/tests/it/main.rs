//! The queries of the passenger API over HTTP, on tables that are filled by the projection.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod files;
mod forgotten;
mod manifests;
mod passengers;
mod plans;
mod rows;
mod search;
mod settings;
mod support;
