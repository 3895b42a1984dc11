use shared_kernel::{Cause, CommandContext, Idempotency, IdempotencyKey};
use uuid::Uuid;

use super::{EventMetadata, UnreadableMetadata, schema_version};

fn context() -> CommandContext {
    let idempotency =
        |key: &str| Some(Idempotency::new(IdempotencyKey::new(key).unwrap(), format!("fingerprint of {key}")));
    let cause = Cause {
        correlation_id: "correlation".to_owned(),
        causation_id: Some("causation".to_owned()),
        actor: "gate 7".to_owned(),
        subject: Some("key:Gate 7".parse().unwrap()),
        trace_parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        step_of: idempotency("other"),
    };
    CommandContext { command_id: Uuid::now_v7(), idempotency: idempotency("own"), cause }
}

#[test]
fn what_is_written_is_what_is_read() {
    for context in [context(), CommandContext::caused_by(Uuid::now_v7(), context().cause)] {
        let written = EventMetadata::of(&context, 3);
        let read = EventMetadata::read(&serde_json::to_vec(&written).unwrap()).unwrap();
        assert_eq!(read, written);
        assert_eq!(read.command_id(), Some(context.command_id));
        assert_eq!((read.idempotency(), read.schema_version()), (context.idempotency, 3));
        assert_eq!(read.cause_of_reaction(Uuid::now_v7(), "reader").subject, context.cause.subject);
    }
}

#[test]
fn of_what_others_have_written_only_the_schema_version_has_to_be_there() {
    let metadata = EventMetadata::read(br#"{"schemaVersion":2,"other":[]}"#).unwrap();
    assert_eq!((metadata.schema_version(), metadata.command_id(), metadata.idempotency()), (2, None, None));
    let event_id = Uuid::now_v7();
    let cause = metadata.cause_of_reaction(event_id, "reader");
    assert_eq!((cause.correlation_id, cause.actor.as_str()), (event_id.to_string(), "reader"));
}

/// Another program may have written what no command may come with, and a reaction to it is sent on all the same.
#[test]
fn what_others_have_written_is_taken_over_only_if_a_command_may_say_it() {
    let long = "x".repeat(1_000);
    let stored = serde_json::json!({
        "schemaVersion": 1, "$correlationId": long, "actor": "a\nb", "subject": "Zoë", "traceparent": "here",
        "stepOf": { "key": "", "fingerprint": "f" },
    });
    let metadata = EventMetadata::read(stored.to_string().as_bytes()).unwrap();
    let event_id = Uuid::now_v7();
    let cause = metadata.cause_of_reaction(event_id, "reader");
    assert_eq!((&cause.correlation_id, &*cause.actor), (&event_id.to_string(), "reader"));
    assert_eq!((&cause.subject, &cause.trace_parent, &cause.step_of), (&None, &None, &None));
    let sent = serde_json::to_string(&cause).unwrap();
    assert_eq!(serde_json::from_str::<Cause>(&sent).unwrap(), cause);
}

#[test]
fn what_is_missing_or_malformed_is_said_and_never_guessed() {
    use UnreadableMetadata::{LoneIdempotencyKey, Malformed, Missing, NoSchemaVersion};
    let command = r#""commandId":"01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01""#;
    for (stored, reason) in [
        (String::new(), Missing),
        ("{}".to_owned(), NoSchemaVersion),
        (r#"{"schemaVersion":null}"#.to_owned(), NoSchemaVersion),
        (format!("{{{command}}}"), NoSchemaVersion),
        ("{".to_owned(), Malformed { line: 1, column: 1 }),
        ("[]".to_owned(), Malformed { line: 1, column: 2 }),
        (r#"{"schemaVersion":"2"}"#.to_owned(), Malformed { line: 1, column: 20 }),
        (r#"{"schemaVersion":-1}"#.to_owned(), Malformed { line: 1, column: 19 }),
        (r#"{"schemaVersion":1,"commandId":"somebody"}"#.to_owned(), Malformed { line: 1, column: 41 }),
        (r#"{"schemaVersion":1,"idempotencyKey":"a","requestFingerprint":"b"}"#.to_owned(), LoneIdempotencyKey),
        (format!(r#"{{"schemaVersion":1,"idempotencyKey":"a",{command}}}"#), LoneIdempotencyKey),
    ] {
        assert_eq!(EventMetadata::read(stored.as_bytes()), Err(reason), "{stored}");
    }
}

#[test]
fn the_schema_version_may_be_known_although_the_rest_is_not() {
    assert_eq!(schema_version(br#"{"schemaVersion":2,"commandId":"somebody"}"#), Ok(2));
    assert_eq!(schema_version(br#"{"schemaVersion":2,"#), Err(UnreadableMetadata::Malformed { line: 1, column: 19 }));
}
