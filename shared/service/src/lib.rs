//! What the services of Jetbridge have in common at their edges: HTTP in and out, settings, log, health, shutdown.
//!
//! Nothing here knows a rule of a domain. The catalogue of public problem types is here all the same, because the
//! gateway explains what the APIs answer with.

pub mod body;
mod command;
mod edge;
mod error_chain;
mod faults;
mod fields;
pub mod headers;
pub mod health;
pub mod paging;
pub mod parse;
mod path;
pub mod problem;
pub mod process;
mod query;
mod reply;
pub mod rpc;
pub mod secret;
mod server;
pub mod settings;
pub mod telemetry;

pub use command::Command;
pub use edge::{finish, method_not_allowed, not_found};
pub use error_chain::ErrorChain;
pub use fields::{BodyRule, Fields, FromFields, NoBody};
pub use headers::{IfMatch, IfNoneMatch, RequestedPosition};
pub use paging::{Page, Paging};
pub use path::{ManifestKey, PathId, PathKey};
pub use problem::{Problem, ProblemType};
pub use query::{FromQuery, Params, Query};
pub use reply::Reply;
pub use server::{BindError, TaskEnded, bind, serve, serve_beside};
