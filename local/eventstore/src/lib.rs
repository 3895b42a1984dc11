//! The embedded event store: one node that speaks EventStoreDB's gRPC protocol, for one machine.
//!
//! [`start`] runs it inside another program; the binary of this package runs it alone; [`start_cluster`] runs several
//! nodes over one log, for tests. Any EventStoreDB client connects to it with [`RunningServer::connection_string`]. An
//! acknowledged append is on disk and survives a kill and a power cut. What it deliberately does not do is listed in
//! the package's README.

mod access;
mod admission;
mod call;
mod cluster;
mod codec;
mod connection;
mod copy;
mod deadline;
mod filter;
mod folder;
mod gossip;
mod guard;
mod hosts;
mod http;
mod listener;
mod log;
mod membership;
mod meters;
mod password;
mod proto;
mod rules;
mod server;
mod services;
mod status;
mod streams;
mod wire;

pub use access::{Access, Right};
pub use admission::ConnectionLimits;
pub use cluster::{RunningCluster, start_cluster};
pub use copy::{CopyError, LogSummary, check_log, copy_log};
pub use folder::{create_folder, create_private_file};
pub use hosts::{HostName, InvalidHostName};
pub use password::{InvalidPassword, Password, PasswordFileError};
pub use server::{Config, RunningServer, ServeError, StartError, start};
