use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, ID, post_with, send};

async fn create(headers: &[(&str, &str)]) -> Answer {
    create_named("Ada", headers).await
}

async fn create_named(name: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    post_with("/things", &all, json!({ "name": name, "boxId": ID }).to_string()).await
}

async fn read(headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(format!("/things/{ID}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn each_attempt_is_a_command_of_its_own() {
    let (first, second) = (create(&[]).await, create(&[]).await);
    assert_ne!(first.body["commandId"], second.body["commandId"]);
    assert_eq!(first.body["key"], Value::Null);
}

#[tokio::test]
async fn the_same_request_has_the_same_fingerprint() {
    let key = [("idempotency-key", "order 7")];
    let (first, second) = (create(&key).await, create(&key).await);
    assert_eq!(first.body["key"], "order 7");
    assert_eq!(first.body["fingerprint"], second.body["fingerprint"]);
    assert_eq!(first.body["fingerprint"].as_str().unwrap().len(), 64);
    let other = create_named("Bob", &key).await;
    assert_ne!(first.body["fingerprint"], other.body["fingerprint"]);
}

#[tokio::test]
async fn bad_idempotency_keys_are_refused() {
    for key in ["", "  ", "a\tb", &"x".repeat(256)] {
        create(&[("idempotency-key", key)]).await.assert_problem(400, "malformed-header");
    }
    create(&[("idempotency-key", "a"), ("idempotency-key", "b")]).await.assert_problem(400, "malformed-header");
    let request = Request::post("/things")
        .header("content-type", "application/json")
        .header("idempotency-key", &b"\xff\xfe"[..])
        .body(Body::from("{}"))
        .unwrap();
    send(request).await.assert_problem(400, "malformed-header");
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    for value in ["\"7\"", "W/\"7\"", "\"1\", \"7\"", "*", ",, \"a,b\" ,\t\"7\",", "W/\"x\",W/\"7\""] {
        let answer = read(&[("if-none-match", value)]).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{value}");
        assert_eq!(answer.headers["etag"], "\"7\"");
        assert_eq!(answer.body, Value::Null);
    }
    for value in ["\"8\"", "7", "", "\"", "\"07\"", "\"+7\"", "*, \"8\"", "\"8, 7\"", "\"7", "w/\"7\""] {
        assert_eq!(read(&[("if-none-match", value)]).await.status, StatusCode::OK, "{value}");
    }
}

#[tokio::test]
async fn a_position_can_be_asked_for() {
    assert_eq!(read(&[]).await.body["wanted"], Value::Null);
    assert_eq!(read(&[("jetbridge-position", "f3.p9")]).await.body["wanted"], "f3.p9");
    let both = read(&[("jetbridge-position", "f3.p9"), ("jetbridge-position", "f5")]).await;
    assert_eq!(both.body["wanted"], "f5.p9");
    for value in ["", "x", "f-1", "f3.p9.", "3", "f3 p9"] {
        read(&[("jetbridge-position", value)]).await.assert_problem(400, "malformed-header");
    }
}

/// A client library may put repeated headers together into one.
#[tokio::test]
async fn several_positions_can_be_asked_for_at_once() {
    for (values, wanted) in [
        (vec!["f3.p9, f5"], "f5.p9"),
        (vec!["f3,p9,f1.p12"], "f3.p12"),
        (vec!["0\t,\tp2", "f7 ,p1"], "f7.p2"),
        (vec![", f1,,", ""], "f1"),
        (vec!["0,0"], "0"),
    ] {
        let headers: Vec<_> = values.iter().map(|value| ("jetbridge-position", *value)).collect();
        assert_eq!(read(&headers).await.body["wanted"], wanted, "{values:?}");
    }
    for value in [",", " , ,", "f1, x", "f1;p2", "f1, f-1", "f1,3"] {
        read(&[("jetbridge-position", value)]).await.assert_problem(400, "malformed-header");
    }
    read(&[("jetbridge-position", "f1"), ("jetbridge-position", "x")]).await.assert_problem(400, "malformed-header");
}
