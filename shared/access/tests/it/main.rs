//! What each role may do, and access keys in real files.

#![allow(clippy::unwrap_used, reason = "Clippy takes only the test functions for tests, not what they share")]

mod expiry;
mod keys;
mod roles;
