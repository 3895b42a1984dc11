use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Cause, Digest};

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
    /// The key as the client sent it, or, of a client that is known, the one that it becomes for it alone.
    pub key: IdempotencyKey,
    /// A digest of the request, so that the same key on another request is noticed.
    pub fingerprint: String,
    /// What else the same request may be recorded with: digests in the form of releases before, or made with another
    /// secret.
    #[serde(skip)]
    pub other_fingerprints: Vec<String>,
}

impl Idempotency {
    /// A key, and the digest of the request it is used for.
    #[must_use]
    pub const fn new(key: IdempotencyKey, fingerprint: String) -> Self {
        Self { key, fingerprint, other_fingerprints: Vec::new() }
    }

    /// The digests that the same request may be recorded with.
    pub fn fingerprints(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.fingerprint).chain(&self.other_fingerprints).map(String::as_str)
    }

    /// Whether this is the request that was recorded with a fingerprint, of which this is left.
    #[must_use]
    pub fn is_recorded_as(&self, fingerprint: Digest) -> bool {
        self.fingerprints().any(|own| Digest::of(own) == fingerprint)
    }

    /// Whether key and digest are what they may be. What is read from storage is not checked.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        // A digest is of the same kind as a key.
        [self.key.as_str(), &self.fingerprint].into_iter().all(|text| IdempotencyKey::new(text).is_ok())
    }
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

    /// The key that a client's own key becomes where it is to be told apart from those of others, by a digest of both.
    #[must_use]
    pub fn of_digest(digest: [u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
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
