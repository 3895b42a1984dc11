//! What the public API promises, call by call and header by header.

mod idempotency;
mod lists;
mod positions;
mod preconditions;
mod protocol;
mod resources;
