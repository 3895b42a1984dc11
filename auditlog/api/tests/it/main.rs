//! The audit log API over HTTP, on an event store of its own.

mod events;
mod lists;
mod outage;
mod support;
