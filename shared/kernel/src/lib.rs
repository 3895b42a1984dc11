//! The words every domain is written in: identifiers, decisions, events, free text and finding it, pages of
//! lists.
//!
//! Nothing here does I/O, reads a clock or draws a random number, so that a domain's `core`, which may
//! import this crate and no other of the workspace, cannot either. Only [`testing`] reads files.

mod cause;
mod command;
mod decider;
mod described;
mod digest;
mod domain;
mod event;
mod execute;
mod id;
mod if_version;
mod named;
mod paging;
mod position;
mod principal_id;
mod problem_type;
mod search;
mod stream;
pub mod testing;
mod text;

pub use cause::{ActorName, Cause, InvalidCause, InvalidCorrelationId, is_correlation_id, trace_parent};
pub use command::{CommandContext, Idempotency, IdempotencyKey, InvalidIdempotencyKey};
pub use decider::Decider;
pub use described::{Described, Schema, names_schema, object_schema};
pub use digest::Digest;
pub use domain::Domain;
pub use event::{DomainEvent, Revision, UndecodableEvent, decode_json};
pub use execute::{
    AT_ONCE_LIMIT, Committed, DECISION_LIMIT, Execute, ExecuteError, Executed, Interruption, QueryError,
};
pub use id::PublicKey;
pub use if_version::IfVersion;
pub use named::UnknownName;
pub use paging::{Order, Paging};
pub use position::{InvalidPosition, Position};
pub use principal_id::{InvalidPrincipalId, PrincipalId};
pub use problem_type::ProblemType;
pub use search::{InvalidSearchText, SearchKeys, SearchText};
pub use stream::{Stream, StreamKey};
pub use text::{InvalidText, Text, TextFault};

#[cfg(test)]
mod tests;
