//! What makes two requests the same command.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared_access::{Access, Role, Roles};
use shared_kernel::Text;
use shared_service::{Caller, Command, Fields, FromFields, Reply, Routes, ServiceNames, ServiceTokens};
use tower::ServiceExt;

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
    assert_eq!(create(&body).await.body["otherFingerprints"], json!([digest]));
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
    assert_eq!(one["otherFingerprints"], json!([]), "no release before knew anybody");
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

const OLD: &str = "old-token-0123456789abcdef0123456789abcdef";
const NEW: &str = "new-token-0123456789abcdef0123456789abcdef";

/// What a service with these tokens knows a command by: what it records, and what else it recognises.
async fn known_by(tokens: &ServiceTokens, subject: Option<&str>, key: &str) -> (String, Vec<String>) {
    let create = async |command: Command<Named>| {
        Reply::ok(json!(command.context.idempotency.unwrap().fingerprints().collect::<Vec<_>>()))
    };
    let routes = Routes::new().post("/things", Access::Role(Role::Agent), create).finish(Duration::from_secs(1));
    let request = Request::post("/things").header("content-type", "application/json").header("idempotency-key", key);
    let request = request.header("authorization", tokens.authorization()).header("jetbridge-roles", "agent");
    let request = subject.into_iter().fold(request, |request, subject| request.header("jetbridge-subject", subject));
    // What it says is written otherwise than its bytes.
    let request = request.body(Body::from(r#"{ "name": "Ada" }"#)).unwrap();
    let response = tokens.guard(routes.layer(Extension(ServiceNames::of(["box"])))).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let mut known: Vec<String> = serde_json::from_slice(&body).unwrap();
    (known.remove(0), known)
}

struct Named;

impl FromFields for Named {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("name", Text::<100>::new).map(|_| Self)
    }
}

/// The same in Python: `k = hmac.new(token, b"jetbridge: fingerprints of requests, 1", hashlib.sha256).digest()`, then
/// `hmac.new(k, b"\0".join([subject, key, b"POST", b"/things", b'{"name":"Ada"}']), hashlib.sha256).hexdigest()`.
#[tokio::test]
async fn a_fingerprint_is_made_with_the_first_token() {
    for (subject, expected) in [
        (None, "hmac-sha256:b0ea55a7375598a9e6edf92a92305260fa813910ff56d73f6bebe8151273493b"),
        (Some("key:a"), "hmac-sha256:d0bd585475712d917392710c1b71d691805b519486bdc13a1eb20bb553b1bcf1"),
    ] {
        for tokens in [OLD.to_owned(), format!("{OLD}\n{NEW}\n")] {
            assert_eq!(known_by(&tokens.parse().unwrap(), subject, "k").await.0, expected);
        }
    }
}

#[tokio::test]
async fn what_either_token_has_made_is_recognised_and_nothing_that_another_has() {
    let steps = [OLD.to_owned(), format!("{OLD}\n{NEW}"), format!("{NEW}\n{OLD}"), NEW.to_owned()];
    for subject in [None, Some("key:a")] {
        let mut known = Vec::new();
        for tokens in &steps {
            known.push(known_by(&tokens.parse().unwrap(), subject, "k").await);
        }
        let recognises = |(own, others): &(String, Vec<String>), recorded| own == recorded || others.contains(recorded);
        for (one, other) in known.iter().zip(&known[1..]) {
            assert!(recognises(one, &other.0) && recognises(other, &one.0), "{one:?} {other:?}");
        }
        assert!(!recognises(&known[0], &known[3].0) && !recognises(&known[3], &known[0].0), "{known:?}");
    }
}

/// So nobody who reads what is recorded can try what was asked for, or see that two have asked for the same.
#[tokio::test]
async fn what_is_recorded_says_nothing_to_those_without_the_token() {
    let tokens: ServiceTokens = OLD.parse().unwrap();
    for subject in [None, Some("key:a")] {
        let (recorded, recognised) = known_by(&tokens, subject, "k").await;
        // Tokens that end with their process make nothing that is to be known later.
        let (without, _) = known_by(&ServiceTokens::random(), subject, "k").await;
        assert!(without.len() == 64 && recognised.contains(&without), "the release before recorded it: {without}");
        assert!(!recognised.contains(&recorded) && !recorded.contains(&without));
        let (with_another_key, _) = known_by(&tokens, subject, "another key").await;
        assert_ne!(recorded, with_another_key);
    }
    let (nobody, somebody) = (known_by(&tokens, None, "k").await, known_by(&tokens, Some("key:a"), "k").await);
    assert_ne!(nobody.0, somebody.0);
}
