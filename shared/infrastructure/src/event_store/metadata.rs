use serde::{Deserialize, Serialize};
use shared_kernel::{Cause, CommandContext, Idempotency, IdempotencyKey};
use uuid::Uuid;

/// What is stored beside an event's data. `$correlationId` and `$causationId` are the names that EventStoreDB's own
/// projections look for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct EventMetadata {
    #[serde(rename = "$correlationId", default)]
    correlation_id: String,
    #[serde(rename = "$causationId", default)]
    causation_id: String,
    #[serde(default)]
    command_id: Uuid,
    #[serde(default)]
    actor: String,
    #[serde(rename = "traceparent", default, skip_serializing_if = "Option::is_none")]
    trace_parent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<IdempotencyKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step_of: Option<Idempotency>,
    #[serde(default = "first_schema_version")]
    schema_version: u32,
}

const fn first_schema_version() -> u32 {
    1
}

impl EventMetadata {
    /// The metadata of an event that a command led to.
    #[must_use]
    pub fn of(context: &CommandContext, schema_version: u32) -> Self {
        let causation_id = context.cause.causation_id.clone().unwrap_or_else(|| context.command_id.to_string());
        Self {
            correlation_id: context.cause.correlation_id.clone(),
            causation_id,
            command_id: context.command_id,
            actor: context.cause.actor.clone(),
            trace_parent: context.cause.trace_parent.clone(),
            idempotency_key: context.idempotency.as_ref().map(|idempotency| idempotency.key.clone()),
            request_fingerprint: context.idempotency.as_ref().map(|idempotency| idempotency.fingerprint.clone()),
            step_of: context.cause.step_of.clone(),
            schema_version,
        }
    }

    /// The command that the event comes from.
    #[must_use]
    pub fn command_id(&self) -> Uuid {
        self.command_id
    }

    /// The command's idempotency key, if it had one.
    #[must_use]
    pub fn idempotency(&self) -> Option<Idempotency> {
        let fingerprint = self.request_fingerprint.clone().unwrap_or_default();
        self.idempotency_key.clone().map(|key| Idempotency { key, fingerprint })
    }

    /// The schema version of the event's data.
    #[must_use]
    pub const fn schema_version(&self) -> u32 {
        self.schema_version
    }

    /// The cause of what is done because of the event with this id: for whoever asked for the event, or else for `reader`.
    #[must_use]
    pub fn cause_of_reaction(&self, event_id: Uuid, reader: &str) -> Cause {
        let actor = if self.actor.is_empty() { reader } else { &self.actor };
        Cause {
            correlation_id: self.correlation_id.clone(),
            causation_id: Some(event_id.to_string()),
            actor: actor.to_owned(),
            trace_parent: self.trace_parent.clone(),
            step_of: self.step_of.clone(),
        }
    }
}
