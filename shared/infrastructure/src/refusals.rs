//! Refused commands.

use shared_kernel::Stream;

/// The stream.
pub const REFUSALS: Stream = Stream::new("refusals", "ref");
