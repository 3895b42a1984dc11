//! Violations that were planted, and where they are found.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod planted;
mod rows;
mod support;
