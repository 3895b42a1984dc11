//! Where a command comes from, and what may be said about that.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Described, Idempotency, IdempotencyKey, InvalidPrincipalId, InvalidText, PrincipalId, Schema, Text};

/// Who asks, for the audit log: free text, see [`Text`].
pub type ActorName = Text<100>;

/// Where a command comes from, carried into the metadata of its events and across the domains.
///
/// What cannot be stored is not read: every text is checked as it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "ReceivedCause")]
pub struct Cause {
    /// The same for everything that one request set off, in every domain: see [`is_correlation_id`].
    pub correlation_id: String,
    /// What directly set this off: an event id for a reaction, a command id for a call from the other domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// Who asked, as far as that is known: a name a client gives itself, or that of a service. An [`ActorName`].
    pub actor: String,
    /// Who asked, as far as that was checked; `None` where nobody has to say so, and for what services do by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<PrincipalId>,
    /// The W3C trace context's `traceparent`, if the request had one: see [`trace_parent`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_parent: Option<String>,
    /// The command of the other domain that this is a step of, so that whoever takes the last step, the service that
    /// was asked or the reaction that finishes for it, completes the same command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_of: Option<Idempotency>,
}

impl Described for Cause {
    fn schema() -> Schema {
        let id = json!({"type": "string", "minLength": 1, "maxLength": IdempotencyKey::MAX_CHARACTERS});
        let step_of = json!({
            "type": "object",
            "properties": {"key": id, "fingerprint": String::schema()},
            "required": ["key", "fingerprint"],
        });
        json!({
            "title": "Cause",
            "description": "Where it comes from, carried into the metadata of events",
            "type": "object",
            "properties": {
                "correlationId": id,
                "causationId": id,
                "actor": ActorName::schema(),
                "subject": String::schema(),
                "traceParent": String::schema(),
                "stepOf": step_of,
            },
            "required": ["correlationId", "actor"],
        })
    }
}

/// A cause as it is sent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceivedCause {
    correlation_id: String,
    #[serde(default)]
    causation_id: Option<String>,
    actor: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    trace_parent: Option<String>,
    #[serde(default)]
    step_of: Option<Idempotency>,
}

/// What is wrong with a [`Cause`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCause {
    /// The correlation id.
    #[error("correlationId {}", InvalidCorrelationId)]
    CorrelationId,
    /// The causation id, which may be what a correlation id may be.
    #[error("causationId {}", InvalidCorrelationId)]
    CausationId,
    /// The actor.
    #[error("actor {0}")]
    Actor(InvalidText),
    /// Who asked.
    #[error("subject {0}")]
    Subject(#[from] InvalidPrincipalId),
    /// The trace context.
    #[error("traceParent is not a traceparent of W3C Trace Context, version 00")]
    TraceParent,
    /// The command that it is a step of.
    #[error("stepOf is not an idempotency key and a fingerprint")]
    StepOf,
}

/// A text is no correlation id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 visible ASCII characters or spaces")]
pub struct InvalidCorrelationId;

impl TryFrom<ReceivedCause> for Cause {
    type Error = InvalidCause;

    fn try_from(received: ReceivedCause) -> Result<Self, InvalidCause> {
        let ReceivedCause { correlation_id, causation_id, actor, subject, trace_parent: trace, step_of } = received;
        if !is_correlation_id(&correlation_id) {
            return Err(InvalidCause::CorrelationId);
        }
        if causation_id.as_deref().is_some_and(|id| !is_correlation_id(id)) {
            return Err(InvalidCause::CausationId);
        }
        ActorName::new(&actor).map_err(InvalidCause::Actor)?;
        let subject = subject.map(PrincipalId::try_from).transpose()?;
        if trace.as_deref().is_some_and(|trace| trace_parent(trace).as_deref() != Some(trace)) {
            return Err(InvalidCause::TraceParent);
        }
        if step_of.as_ref().is_some_and(|step_of| !step_of.is_well_formed()) {
            return Err(InvalidCause::StepOf);
        }
        Ok(Self { correlation_id, causation_id, actor, subject, trace_parent: trace, step_of })
    }
}

/// Whether a text can be the correlation id of a command: 1 to 255 visible ASCII characters or spaces, not only spaces.
#[must_use]
pub fn is_correlation_id(text: &str) -> bool {
    // What is told apart from others is of the same kind.
    IdempotencyKey::new(text).is_ok()
}

/// A `traceparent` as version 00 of W3C Trace Context writes it; `None` if it is none. Of a higher version its first
/// four fields are taken, and of its flags the one that is known, as the section "Versioning of traceparent" asks for.
#[must_use]
pub fn trace_parent(text: &str) -> Option<String> {
    const SAMPLED: u8 = 1;
    let mut parts = text.split('-');
    let mut hex = |length: usize| {
        let part = parts.next().filter(|part| part.len() == length)?;
        part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(part)
    };
    let (version, trace, parent, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let has_more = parts.next().is_some();
    let is_set = |id: &str| id.bytes().any(|digit| digit != b'0');
    if version == "ff" || !is_set(trace) || !is_set(parent) {
        return None;
    }
    if version == "00" {
        return (!has_more).then(|| text.to_owned());
    }
    let flags = u8::from_str_radix(flags, 16).ok()? & SAMPLED;
    Some(format!("00-{trace}-{parent}-{flags:02x}"))
}
