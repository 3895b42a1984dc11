//! What each role may do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod roles;
