use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a command comes from, carried into the metadata of its events and across the domains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The same for everything that one request set off, in every domain.
    pub correlation_id: String,
    /// What directly set this off: an event id for a reaction, a command id for a call from the other domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// Who asked, as far as that is known: a name a client gives itself, or that of a service.
    pub actor: String,
    /// The W3C trace context's `traceparent`, if the request had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_parent: Option<String>,
    /// The command of the other domain that this is a step of, so that whoever takes the last step, the service that
    /// was asked or the reaction that finishes for it, completes the same command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_of: Option<Idempotency>,
}

/// What comes with every command beside the command itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandContext {
    /// Identifies this command. Unique for each request, also for each attempt of a repeated one.
    pub command_id: Uuid,
    /// The client's promise that commands with the same key are one command.
    pub idempotency: Option<Idempotency>,
    /// Where the command comes from.
    pub cause: Cause,
}

impl CommandContext {
    /// A context for a command that `cause` sets off, without an idempotency key.
    #[must_use]
    pub fn caused_by(command_id: Uuid, cause: Cause) -> Self {
        Self { command_id, idempotency: None, cause }
    }

    /// The cause of what this command sets off in turn.
    #[must_use]
    pub fn as_cause(&self) -> Cause {
        Cause { causation_id: Some(self.command_id.to_string()), ..self.cause.clone() }
    }
}

/// An idempotency key and what it was first used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Idempotency {
    /// The key as the client sent it.
    pub key: IdempotencyKey,
    /// A digest of the request, so that the same key on another request is noticed.
    pub fingerprint: String,
}

/// A client's name for one command: 1 to 255 visible ASCII characters or spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The longest key accepted, in characters.
    pub const MAX_CHARACTERS: usize = 255;

    /// Checks and wraps a key.
    ///
    /// # Errors
    /// [`InvalidIdempotencyKey`] says what a key may be.
    pub fn new(key: &str) -> Result<Self, InvalidIdempotencyKey> {
        let visible = key.bytes().all(|b| (0x20..0x7f).contains(&b)) && !key.trim().is_empty();
        if visible && key.len() <= Self::MAX_CHARACTERS { Ok(Self(key.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }

    /// The key of a command whose caller gave none.
    #[must_use]
    pub fn of_command(command_id: Uuid) -> Self {
        Self(command_id.to_string())
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An idempotency key was empty, too long, or held other than visible ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 visible ASCII characters or spaces")]
pub struct InvalidIdempotencyKey;
