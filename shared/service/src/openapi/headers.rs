//! Headers, as they are described.

use serde_json::{Map, Value, json};
use shared_kernel::{ActorName, Described, IdempotencyKey};

/// `If-None-Match` of queries, which is another one than that of commands.
pub(super) const KNOWN: &str = "If-None-Match-of-queries";

/// A header of requests.
pub(super) fn parameter(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

/// A header of answers.
pub(super) fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// The headers of requests that operations refer to.
pub(super) fn parameters() -> Map<String, Value> {
    let tags = json!({"type": "string", "format": "etags", "pattern": r#"^(\*|(W/)?"[!#-~]*"(, (W/)?"[!#-~]*")*)$"#});
    // In a header it is bytes.
    let mut actor = ActorName::schema();
    actor["format"] = "actor".into();
    let described = [
        (
            "Idempotency-Key",
            "Makes a command safe to repeat: for 24 hours the same key gives the same outcome. On another request it is refused.",
            visible("idempotency-key"),
        ),
        ("If-Match", "The command is refused unless the thing has one of these ETags.", tags.clone()),
        (
            "If-None-Match",
            "The command is refused if the thing has one of these ETags, or with `*` if it exists.",
            tags,
        ),
        (
            KNOWN,
            "Answered 304 if the thing has one of these ETags. What is no list of ETags is ignored.",
            json!({"type": "string"}),
        ),
        (
            "Jetbridge-Position",
            "Opaque, from an answer before: this one covers what that one did. Several are separated by commas.",
            json!({"type": "string", "format": "position"}),
        ),
        (
            "Jetbridge-Actor",
            "Who asks, for the audit log, where nobody has to say who they are. Free text, as UTF-8 or as RFC 8187 has it.",
            actor,
        ),
        (
            "X-Correlation-Id",
            "Kept with everything that the request sets off. One is made up without it.",
            visible("correlation-id"),
        ),
        (
            "traceparent",
            "W3C trace context, kept with the events. One that cannot be read is ignored.",
            json!({"type": "string"}),
        ),
        (
            "Last-Event-ID",
            "What comes after this event: the id of one, or nothing.",
            json!({"type": "string", "format": "cursor"}),
        ),
    ];
    let entry = |(key, description, schema): (&str, &str, Value)| {
        let name = if key == KNOWN { "If-None-Match" } else { key };
        (key.to_owned(), json!({"name": name, "in": "header", "description": description, "schema": schema}))
    };
    described.into_iter().map(entry).collect()
}

/// Visible ASCII characters and spaces, not only those.
fn visible(format: &str) -> Value {
    let (longest, pattern) = (IdempotencyKey::MAX_CHARACTERS, "^[ -~]*[!-~][ -~]*$");
    json!({"type": "string", "minLength": 1, "maxLength": longest, "pattern": pattern, "format": format})
}

/// The headers of answers that operations refer to.
pub(super) fn headers() -> Map<String, Value> {
    let text = json!({"type": "string"});
    let described = [
        ("ETag", "The version of the thing: send it as If-Match or If-None-Match, exactly as it is.", text.clone()),
        ("Location", "The path of what was made.", text.clone()),
        (
            "Jetbridge-Position",
            "Opaque: what the answer covers. Send it with a query, whose answer then covers it too.",
            text.clone(),
        ),
        ("Retry-After", "Seconds to wait before asking again.", json!({"type": "integer", "minimum": 0})),
        ("WWW-Authenticate", "How to say who asks.", text),
    ];
    let entry = |(name, description, schema): (&str, &str, Value)| {
        (name.to_owned(), json!({"description": description, "schema": schema}))
    };
    described.into_iter().map(entry).collect()
}
