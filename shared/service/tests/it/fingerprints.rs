//! What makes two requests the same command.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared_access::Roles;
use shared_service::Caller;

use crate::support::{Answer, ID, post_with, send};

const WITH_KEY: [(&str, &str); 2] = [("content-type", "application/json"), ("idempotency-key", "k")];

async fn create(body: &str) -> Answer {
    let answer = post_with("/things", &WITH_KEY, body.to_owned()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer
}

async fn fingerprint(body: &str) -> Value {
    create(body).await.body["fingerprint"].clone()
}

#[tokio::test]
async fn a_body_with_the_same_content_is_the_same_command() {
    let first = fingerprint(&json!({ "boxId": ID, "name": "Zoë/" }).to_string()).await;
    assert_eq!(first.as_str().unwrap().len(), 64);
    for same in [
        format!(r#"{{"name":"Zoë/","boxId":"{ID}"}}"#),
        format!("{{\r\n\t\"name\" : \"Zo\\u00EB\\/\",  \"boxId\":\"{ID}\"\n}} "),
        format!(r#"{{"n\u0061me":"Zo\u00eb/","boxId":"{ID}","at":null}}"#),
    ] {
        assert_eq!(fingerprint(&same).await, first, "{same}");
    }
    for other in [
        json!({ "boxId": ID, "name": "Zoe/" }),
        json!({ "boxId": ID, "name": "Zoë/", "at": "2026-05-01T12:30:00Z" }),
        json!({ "boxId": ID.replace('0', "1"), "name": "Zoë/" }),
    ] {
        assert_ne!(fingerprint(&other.to_string()).await, first, "{other}");
    }
}

/// Keys are kept with the digests that they came with, for a day and more.
#[tokio::test]
async fn the_fingerprint_of_releases_before_is_known() {
    let body = json!({ "name": "Ada", "boxId": ID }).to_string();
    let digest = Sha256::digest(format!("POST\0/things\0{body}"));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(create(&body).await.body["earlierFingerprint"], digest);
}

async fn created_by(subject: Option<&str>, name: &str) -> Answer {
    let body = json!({ "name": name, "boxId": ID }).to_string();
    let request =
        WITH_KEY.iter().fold(Request::post("/things"), |request, (name, value)| request.header(*name, *value));
    let request = request.header("jetbridge-subject", "key:smuggled").header("jetbridge-roles", "admin");
    let mut request = request.body(Body::from(body)).unwrap();
    if let Some(subject) = subject {
        let subject = Some(subject.parse().unwrap());
        request.extensions_mut().insert(Caller::Somebody { subject, roles: Roles::NONE });
    }
    send(request).await
}

/// What a header says of that is nothing: only what was checked counts.
#[tokio::test]
async fn a_key_belongs_to_whoever_was_checked_to_have_sent_it() {
    let nobody = created_by(None, "Ada").await.body;
    assert_eq!((&nobody["key"], &nobody["subject"]), (&json!("k"), &Value::Null));
    let (one, other) = (created_by(Some("key:a"), "Ada").await.body, created_by(Some("key:b"), "Ada").await.body);
    assert_eq!((&one["subject"], &other["subject"]), (&json!("key:a"), &json!("key:b")));
    for field in ["key", "fingerprint"] {
        assert_eq!(one[field].as_str().map(str::len), Some(64), "{field}: {one}");
        assert!(one[field] != other[field] && one[field] != nobody[field], "{field}");
    }
    assert_eq!(one["earlierFingerprint"], Value::Null, "no release before knew anybody");
    let (again, different) = (created_by(Some("key:a"), "Ada").await.body, created_by(Some("key:a"), "Zoë").await.body);
    assert_eq!((&again["key"], &again["fingerprint"]), (&one["key"], &one["fingerprint"]));
    assert_eq!(different["key"], one["key"]);
    assert_ne!(different["fingerprint"], one["fingerprint"]);
}

#[tokio::test]
async fn an_id_in_either_case_and_an_empty_body_in_either_form_are_the_same() {
    let poke = async |id: &str, body: &'static str| {
        let answer = post_with(&format!("/things/{id}/poke"), &WITH_KEY, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["fingerprint"].clone()
    };
    let first = poke(ID, "").await;
    assert_eq!(poke(ID, " { } ").await, first);
    assert_eq!(poke(&ID.to_uppercase(), "{}").await, first);
    assert_ne!(poke(&ID.replace('0', "1"), "").await, first);
}
