//! The embedded event store: one node that speaks EventStoreDB's gRPC protocol, for one machine.
//!
//! [`start`] runs it inside another program; the binary of this package runs it alone. Any EventStoreDB client connects
//! to it with [`RunningServer::connection_string`]. An acknowledged append is on disk and survives a kill and a power
//! cut. What it deliberately does not do is listed in the package's README.

mod connection;
mod deadline;
mod filter;
mod http;
mod log;
mod proto;
mod rules;
mod server;
mod services;
mod status;
mod streams;
mod wire;

pub use server::{Config, RunningServer, ServeError, StartError, start};
