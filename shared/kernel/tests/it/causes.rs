//! Where a command comes from, as other services say it.

use serde_json::{Value, json};
use shared_kernel::Cause;

fn cause() -> Value {
    json!({
        "correlationId": "shift 7",
        "causationId": "01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01",
        "actor": "Zoë",
        "subject": "key:Gate 12",
        "traceParent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "stepOf": { "key": "k", "fingerprint": "f" },
    })
}

#[test]
fn a_cause_is_read_as_it_was_written() {
    let read: Cause = serde_json::from_value(cause()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), cause());
    let short = json!({ "correlationId": "a", "actor": "parcel-reactions" });
    let read: Cause = serde_json::from_value(short.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), short);
}

#[test]
fn a_cause_that_cannot_be_kept_is_refused_by_name() {
    let long = "x".repeat(256);
    for (field, values) in [
        ("correlationId", vec![json!(""), json!(" "), json!("a\nb"), json!("Zoë"), json!(long)]),
        ("causationId", vec![json!(""), json!("\u{0}"), json!(long)]),
        ("actor", vec![json!(""), json!("  "), json!("a\u{7f}b"), json!("é".repeat(101))]),
        ("subject", vec![json!(""), json!("somebody"), json!("key:Zoë"), json!(format!("key:{}", "x".repeat(512)))]),
        ("traceParent", vec![json!(""), json!("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]),
        ("stepOf", vec![json!({ "key": "", "fingerprint": "f" }), json!({ "key": "k", "fingerprint": long })]),
    ] {
        for value in values {
            let mut cause = cause();
            cause[field] = value;
            let error = serde_json::from_value::<Cause>(cause.clone()).unwrap_err();
            assert!(error.to_string().starts_with(field), "{cause}: {error}");
        }
    }
}
