//! What happens in which order across the domains, with the passenger domain played by the test.

#![allow(clippy::unwrap_used, reason = "Clippy takes only the test functions for tests, not what they share")]

mod departure;
mod endings;
mod passenger_domain;
mod stream;
mod versions;
