//! What the services of Jetbridge have in common at their edges: HTTP in and out, settings, log, health, shutdown.
//!
//! Nothing here knows a domain.

pub mod body;
mod command;
pub mod domain_service;
mod edge;
pub mod entity_tag;
mod error_chain;
mod faults;
mod fields;
pub mod headers;
pub mod health;
mod origin;
pub mod paging;
pub mod parse;
mod path;
mod preconditions;
pub mod problem;
pub mod problem_type;
pub mod process;
mod query;
mod reply;
pub mod rpc;
pub mod secret;
mod server;
pub mod settings;
pub mod telemetry;

pub use command::{Command, CommandOn};
pub use edge::{check_expectations, complete, finish, method_not_allowed, not_found};
pub use error_chain::ErrorChain;
pub use fields::{BodyRule, Fields, FromFields, NoBody};
pub use headers::RequestedPosition;
pub use origin::{ServiceNames, actor};
pub use paging::{Page, Paging};
pub use path::{EventId, PathId};
pub use preconditions::IfNoneMatch;
pub use problem::Problem;
pub use query::{FromQuery, Params, Query};
pub use reply::{Reply, ReplyResult};
pub use server::{BindError, RunError, TaskEnded, bind, serve, serve_beside};
