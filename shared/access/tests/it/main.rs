//! Access keys, in real files.

#![allow(clippy::unwrap_used, reason = "Clippy takes only the test functions for tests, not what they share")]

mod expiry;
mod keys;
