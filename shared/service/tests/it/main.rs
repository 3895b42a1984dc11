//! The edge of a service, seen from outside.

mod bodies;
mod headers;
mod health;
mod lists;
mod problems;
mod process;
mod properties;
mod server;
mod support;
