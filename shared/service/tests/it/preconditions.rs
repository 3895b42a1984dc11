//! `If-Match` and `If-None-Match` of commands.

use axum::body::Body;
use http::{HeaderValue, Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, ID, post_with, send};

/// A command on a thing, with these headers, whose values need not be UTF-8.
async fn poke(headers: &[(&str, &[u8])]) -> Answer {
    let mut request = Request::post(format!("/things/{ID}/poke"));
    for (name, value) in headers {
        request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
    }
    send(request.body(Body::empty()).unwrap()).await
}

async fn meant_for(headers: &[(&str, &[u8])]) -> Value {
    let answer = poke(headers).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.body["meantFor"].clone()
}

#[tokio::test]
async fn if_match_lists_the_versions_that_a_command_is_meant_for() {
    assert_eq!(meant_for(&[]).await, Value::Null);
    assert_eq!(meant_for(&[("if-match", b"*")]).await, Value::Null);
    for (value, versions) in [
        (&b"\"12\""[..], json!([12])),
        (b" \t\"12\" ", json!([12])),
        (b"\"7\", \"999\"", json!([7])),
        (b"\"3\",\"12\"\t, \"4\"", json!([3, 4, 12])),
        (b",, \"1\" ,, \"2\",", json!([1, 2])),
        (b"W/\"12\"", json!([])),
        (b"W/\"12\", \"3\"", json!([3])),
        (b"\"abc\"", json!([])),
        (b"\"\"", json!([])),
        (b"\"-1\"", json!([])),
        (b"\"+1\"", json!([])),
        (b"\"01\"", json!([])),
        (b"\"1,2\"", json!([])),
        (b"\"a,\", \"5\"", json!([5])),
        (b"\"\xeb\xff\", \"5\"", json!([5])),
        (b"\"99999999999999999999\"", json!([])),
    ] {
        assert_eq!(meant_for(&[("if-match", value)]).await, versions, "{}", value.escape_ascii());
    }
    assert_eq!(meant_for(&[("if-match", b"\"3\""), ("if-match", b","), ("if-match", b"\"5\"")]).await, json!([3, 5]));
}

#[tokio::test]
async fn if_none_match_rules_versions_out() {
    let but = |excluded: &[u64]| json!((0..20).filter(|version| !excluded.contains(version)).collect::<Vec<_>>());
    for (value, versions) in
        [(&b"*"[..], json!([])), (b"\"7\"", but(&[7])), (b"W/\"7\", \"8\"", but(&[7, 8])), (b"\"x\"", but(&[]))]
    {
        assert_eq!(meant_for(&[("if-none-match", value)]).await, versions, "{}", value.escape_ascii());
    }
    assert_eq!(meant_for(&[("if-match", b"\"7\", \"8\""), ("if-none-match", b"\"7\"")]).await, json!([8]));
    assert_eq!(meant_for(&[("if-match", b"*"), ("if-none-match", b"*")]).await, json!([]));
}

#[tokio::test]
async fn what_is_no_list_of_etags_is_refused() {
    for name in ["if-match", "if-none-match"] {
        for value in [
            &b""[..],
            b"12",
            b"\"12",
            b"12\"",
            b"\"1\" \"2\"",
            b"\"1\"x",
            b",",
            b", ,",
            b"w/\"1\"",
            b"W/ \"1\"",
            b"**",
            b"*, \"1\"",
            b"\"1\", *",
            b"*,",
            b"\"a b\"",
            b"\"\x80",
        ] {
            let refused = poke(&[(name, value)]).await;
            refused.assert_problem(400, "malformed-header");
        }
        poke(&[(name, b"*"), (name, b"\"1\"")]).await.assert_problem(400, "malformed-header");
        poke(&[(name, b"*"), (name, b"*")]).await.assert_problem(400, "malformed-header");
    }
}

#[tokio::test]
async fn a_list_exists_and_has_no_etag() {
    let body = json!({ "name": "Ada", "boxId": ID }).to_string();
    let add = async |name: &'static str, value: &'static str| {
        post_with("/things", &[("content-type", "application/json"), (name, value)], body.clone()).await
    };
    add("if-match", "\"7\"").await.assert_problem(412, "precondition-failed");
    add("if-none-match", "*").await.assert_problem(412, "precondition-failed");
    add("if-match", "7").await.assert_problem(400, "malformed-header");
    for (name, value) in [("if-match", "*"), ("if-none-match", "\"7\"")] {
        assert_eq!(add(name, value).await.status, StatusCode::CREATED, "{name}: {value}");
    }
}

/// Nothing has a modification date, or is given in parts (RFC 9110, 13.1.3 to 13.1.5 and 14.2).
#[tokio::test]
async fn conditions_that_mean_nothing_here_are_ignored() {
    let date: &[u8] = b"Wed, 01 Jan 2020 00:00:00 GMT";
    assert_eq!(meant_for(&[("if-unmodified-since", date), ("if-range", b"\"1\"")]).await, Value::Null);
    let request = Request::get(format!("/things/{ID}"))
        .header("if-modified-since", "Wed, 01 Jan 2100 00:00:00 GMT")
        .header("range", "bytes=0-1")
        .header("if-range", "\"7\"");
    let answer = send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, &answer.body["id"]), (StatusCode::OK, &json!(ID)));
}
