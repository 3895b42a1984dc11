use serde::{Deserialize, Serialize};
use shared_kernel::{ActorName, Cause, CommandContext, Idempotency, IdempotencyKey, is_correlation_id, trace_parent};
use shared_trace::TraceParent;
use uuid::Uuid;

/// What is stored beside an event's data. `$correlationId` and `$causationId` are the names that EventStoreDB's own
/// projections look for.
///
/// What this software writes says all of it but the optional part of a request. Of what another program has written,
/// only the schema version has to be there: without it nobody knows what the data means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventMetadata {
    #[serde(rename = "$correlationId", skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(rename = "$causationId", skip_serializing_if = "Option::is_none")]
    causation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(rename = "traceparent", skip_serializing_if = "Option::is_none")]
    trace_parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<IdempotencyKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_of: Option<Idempotency>,
    schema_version: u32,
}

/// Why the metadata of an event cannot be used. Never quotes it: it may name people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableMetadata {
    /// There is none.
    #[error("the event has no metadata, which would say the schema version of its data")]
    Missing,
    /// It leaves out what cannot be done without.
    #[error("the event's metadata does not say the schema version of its data")]
    NoSchemaVersion,
    /// A key alone does not say which command it was used for.
    #[error(
        "the event's metadata has an idempotency key, but not the command and the request fingerprint that belong to it"
    )]
    LoneIdempotencyKey,
    /// It is not JSON, or has a value of another type than it should be.
    #[error("the event's metadata is malformed at line {line}, column {column}")]
    Malformed {
        /// Line of the fault, counted from 1.
        line: usize,
        /// Column of the fault, counted from 1.
        column: usize,
    },
}

impl From<serde_json::Error> for UnreadableMetadata {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column() }
    }
}

/// The part of the metadata that the data cannot be read without.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versioned {
    schema_version: Option<u32>,
}

/// The schema version in an event's metadata, which may be there although the rest cannot be read.
pub(super) fn schema_version(stored: &[u8]) -> Result<u32, UnreadableMetadata> {
    if stored.is_empty() {
        return Err(UnreadableMetadata::Missing);
    }
    let versioned: Versioned = serde_json::from_slice(stored)?;
    versioned.schema_version.ok_or(UnreadableMetadata::NoSchemaVersion)
}

impl EventMetadata {
    /// Reads what is stored.
    pub(super) fn read(stored: &[u8]) -> Result<Self, UnreadableMetadata> {
        let metadata: Self = match serde_json::from_slice(stored) {
            Ok(metadata) => metadata,
            // What is missing can be said better than by the place where it should have been.
            Err(error) => return Err(schema_version(stored).err().unwrap_or_else(|| error.into())),
        };
        if metadata.idempotency_key.is_some()
            && (metadata.command_id.is_none() || metadata.request_fingerprint.is_none())
        {
            return Err(UnreadableMetadata::LoneIdempotencyKey);
        }
        Ok(metadata)
    }

    /// The metadata of an event that a command led to.
    #[must_use]
    pub fn of(context: &CommandContext, schema_version: u32) -> Self {
        let causation_id = context.cause.causation_id.clone().unwrap_or_else(|| context.command_id.to_string());
        Self {
            correlation_id: Some(context.cause.correlation_id.clone()),
            causation_id: Some(causation_id),
            command_id: Some(context.command_id),
            actor: Some(context.cause.actor.clone()),
            subject: context.cause.subject.as_ref().map(|subject| subject.as_str().to_owned()),
            trace_parent: context.cause.trace_parent.clone(),
            idempotency_key: context.idempotency.as_ref().map(|idempotency| idempotency.key.clone()),
            request_fingerprint: context.idempotency.as_ref().map(|idempotency| idempotency.fingerprint.clone()),
            step_of: context.cause.step_of.clone(),
            schema_version,
        }
    }

    /// The metadata of an event that `actor`, a program, has not been asked for.
    #[must_use]
    pub fn unasked(actor: &str, schema_version: u32) -> Self {
        let cause = Cause {
            correlation_id: Uuid::now_v7().to_string(),
            causation_id: None,
            actor: actor.to_owned(),
            subject: None,
            trace_parent: None,
            step_of: None,
        };
        Self::of(&CommandContext::caused_by(Uuid::now_v7(), cause), schema_version)
    }

    /// The command that the event comes from; `None` if another program has written the event without one.
    #[must_use]
    pub const fn command_id(&self) -> Option<Uuid> {
        self.command_id
    }

    /// The span that the command belongs to.
    #[must_use]
    pub fn trace_parent(&self) -> Option<TraceParent> {
        self.trace_parent.as_deref().and_then(TraceParent::read)
    }

    /// The command's idempotency key, if it had one.
    #[must_use]
    pub fn idempotency(&self) -> Option<Idempotency> {
        let (key, fingerprint) = self.idempotency_key.clone().zip(self.request_fingerprint.clone())?;
        Some(Idempotency::new(key, fingerprint))
    }

    /// The schema version of the event's data.
    #[must_use]
    pub const fn schema_version(&self) -> u32 {
        self.schema_version
    }

    /// The cause of what is done because of the event with this id: for whoever asked for the event, or else for
    /// `reader`. An event that is not part of anything larger is where what it sets off begins. Of what another program
    /// has written, only what a command may come with is taken over.
    #[must_use]
    pub fn cause_of_reaction(&self, event_id: Uuid, reader: &str) -> Cause {
        let actor = self.actor.as_deref().filter(|actor| ActorName::new(actor).is_ok()).unwrap_or(reader);
        let correlation_id = self.correlation_id.clone().filter(|id| is_correlation_id(id));
        Cause {
            correlation_id: correlation_id.unwrap_or_else(|| event_id.to_string()),
            causation_id: Some(event_id.to_string()),
            actor: actor.to_owned(),
            subject: self.subject.as_deref().and_then(|subject| subject.parse().ok()),
            trace_parent: self.trace_parent.as_deref().and_then(trace_parent),
            step_of: self.step_of.clone().filter(Idempotency::is_well_formed),
        }
    }
}

#[cfg(test)]
mod tests;
