//! What the services of Jetbridge have in common at their edges: HTTP in and out, settings, log, health, shutdown.
//!
//! Nothing here knows a domain.

pub mod about;
pub mod accept;
pub mod body;
mod caller;
mod cause;
pub mod client;
mod command;
pub mod csv;
pub mod domain_service;
mod drain;
mod edge;
pub mod entity_tag;
mod error_chain;
mod faults;
mod fields;
mod fingerprint;
pub mod headers;
pub mod health;
mod host;
mod metrics;
pub mod openapi;
pub mod origin;
pub mod paging;
pub mod parse;
mod path;
mod preconditions;
pub mod problem;
pub mod problem_type;
pub mod process;
mod query;
mod reply;
mod routes;
pub mod rpc;
pub mod secret;
mod server;
mod service_tokens;
pub mod settings;
pub mod telemetry;
mod traced;
mod traffic;

pub use caller::{CHALLENGE, Caller, admit, authentication_required, not_allowed};
pub use cause::{ServiceNames, actor, cause};
pub use command::{Command, CommandOn, ReadCommand};
pub use drain::{Drain, DrainArgs};
pub use edge::{check_expectations, finish, method_not_allowed, not_found};
pub use error_chain::ErrorChain;
pub use fields::{BodyRule, Fields, FromFields, NoBody};
pub use headers::RequestedPosition;
pub use host::{HostName, InvalidHostName};
pub use metrics::MetricsSettings;
pub use origin::Origin;
pub use paging::{Page, Paging};
pub use path::{EventId, PathId};
pub use preconditions::IfNoneMatch;
pub use problem::Problem;
pub use query::{FromQuery, Params, Query};
pub use reply::{Reply, ReplyResult};
pub use routes::{Route, Routes};
pub use server::{
    Asking, BindError, ConnectionLimits, InProcess, OverTls, RunError, ServerSettings, TaskEnded, Tls, TlsArgs,
    TlsError, bind, serve, serve_beside, serve_with,
};
pub use service_tokens::{ServiceTokenArgs, ServiceTokenError, ServiceTokens};
pub use traced::{Route as TakenRoute, traced};
pub use traffic::{Answering, Traffic};
