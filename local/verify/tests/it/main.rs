//! Violations that were planted, and where they are found.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the events that the tests of the rules are about; some are not needed here")]
#[path = "../../../../flight/core/tests/it/samples.rs"]
mod flight_samples;
#[allow(dead_code, reason = "as above")]
#[path = "../../../../passenger/core/tests/it/samples.rs"]
mod passenger_samples;
mod planted;
mod program;
mod rows;
mod support;
