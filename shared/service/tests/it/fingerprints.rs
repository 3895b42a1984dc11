//! What makes two requests the same command.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Answer, ID, post_with};

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
