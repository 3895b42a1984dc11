use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::{Request, StatusCode};
use serde_json::json;

use crate::support::{ID, get_path, post_json, post_with, send};

fn valid() -> String {
    json!({ "name": " Ada ", "boxId": ID, "at": "2026-05-01T14:30:00.123456+02:00" }).to_string()
}

#[tokio::test]
async fn a_good_body_is_read() {
    let answer = post_json("/things", valid()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.body["name"], "Ada");
    assert_eq!(answer.body["boxId"], ID);
    assert_eq!(answer.body["at"], "2026-05-01T12:30:00.123456Z");
    assert_eq!(answer.body["offsetSeconds"], 7_200);
    assert_eq!(answer.headers["location"], "/things/1");
    assert_eq!(answer.headers["etag"], "\"7\"");
    assert_eq!(answer.headers["jetbridge-position"], "f7");
}

#[tokio::test]
async fn null_is_the_same_as_absent() {
    let optional = json!({ "name": "Ada", "boxId": ID, "at": null }).to_string();
    assert_eq!(post_json("/things", optional).await.status, StatusCode::CREATED);
    let required = json!({ "name": null, "boxId": ID }).to_string();
    post_json("/things", required).await.assert_faults(&["/name is required"]);
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    let deep = "[".repeat(60_000);
    let bodies: &[&[u8]] = &[
        b"",
        b" ",
        b"name=Ada",
        b"{",
        b"{\"name\":\"Ada\"",
        b"{\"name\":\"Ada\"} x",
        b"{} {}",
        b"{'name':'Ada'}",
        b"{\"name\":\"\\ud800\"}",
        b"{\"name\":\"\\udc00\\ud800\"}",
        b"{\"\\ud800\":1}",
        b"{\"name\":\"a\nb\"}",
        b"{\"name\":\"a\0b\"}",
        b"{\"name\":NaN}",
        b"{\"name\":01}",
        b"{\"name\":\"\xff\xfe\"}",
        b"\xff",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
    ];
    for &body in bodies {
        post_json("/things", body.to_vec()).await.assert_problem(400, "malformed-json");
    }
}

#[tokio::test]
async fn json_that_is_not_an_object_says_so() {
    for body in ["[]", "[1,[2]]", "null", "true", "12", "-1", "1.5", "\"text\""] {
        let answer = post_json("/things", body).await;
        answer.assert_faults(&["/boxId is required", "/name is required", " must be a JSON object"]);
    }
}

#[tokio::test]
async fn every_fault_is_reported_at_once() {
    let body = r#"{"name":7,"at":"tomorrow","extra":{"a":[]},"a/b~c":1}"#;
    post_json("/things", body).await.assert_faults(&[
        "/name must be a string, but is a number",
        "/boxId is required",
        "/at must be a date and time with an offset (RFC 3339), such as 2026-05-01T12:30:00Z or 2026-05-01T14:30:00+02:00",
        "/extra is not a field of this request; remove it",
        "/a~1b~0c is not a field of this request; remove it",
    ]);
}

#[tokio::test]
async fn an_offset_that_rfc_3339_has_no_form_for_is_refused_and_not_replaced() {
    for at in ["2026-05-01T12:30:00+01:00:30", "2026-05-01T12:30:00+24:00", "2026-05-01T12:30:00-25:30"] {
        let answer = post_json("/things", json!({ "name": "x", "boxId": ID, "at": at }).to_string()).await;
        assert_eq!(answer.body["errors"][0]["pointer"], "/at", "{at}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_single_fault_is_told_in_the_detail() {
    let answer = post_json("/things", json!({ "name": " ", "boxId": ID }).to_string()).await;
    answer.assert_faults(&["/name must not be empty"]);
    assert_eq!(answer.body["detail"], "/name must not be empty.");
}

#[tokio::test]
async fn wrong_types_are_named() {
    for (value, what) in
        [("true", "a boolean"), ("[[]]", "an array"), (r#"{"a":{"b":[1]}}"#, "an object"), ("-1e3", "a number")]
    {
        let body = format!(r#"{{"name":{value},"boxId":"{ID}"}}"#);
        post_json("/things", body).await.assert_faults(&[&format!("/name must be a string, but is {what}")]);
    }
}

/// They are JSON, so that it is said what is wrong with them.
#[tokio::test]
async fn numbers_of_any_size_and_nesting_of_any_depth_are_named() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (value, what) in
        [("1e999", "a number"), ("-0.0E-99999", "a number"), (&*"9".repeat(1_000), "a number"), (&deep, "an array")]
    {
        let body = format!(r#"{{"name":{value},"boxId":"{ID}"}}"#);
        post_json("/things", body).await.assert_faults(&[&format!("/name must be a string, but is {what}")]);
    }
}

#[tokio::test]
async fn repeated_fields_are_refused() {
    let body = format!(r#"{{"name":"Ada","name":"Bob","boxId":"{ID}","name":"Eve"}}"#);
    post_json("/things", body).await.assert_faults(&["/name must be given only once"]);
}

#[tokio::test]
async fn text_that_cannot_be_shown_is_refused() {
    for name in ["a\0b", "a\u{1b}b", "a\u{85}b", "a\u{2028}b"] {
        let answer = post_json("/things", json!({ "name": name, "boxId": ID }).to_string()).await;
        answer.assert_problem(422, "invalid-request");
        assert_eq!(answer.body["errors"][0]["pointer"], "/name");
    }
    for (name, fault) in [
        ("\u{200b}", "/name must not contain invisible characters (found U+200B as character 1)"),
        (
            "\u{202e}retsuM aiM",
            "/name must not contain characters that set the direction of text (found U+202E as character 1)",
        ),
        (" Ada\u{200d}", "/name must not contain joiners outside of a word (found U+200D as character 5)"),
    ] {
        let body = json!({ "name": name, "boxId": ID }).to_string();
        post_json("/things", body).await.assert_faults(&[fault]);
    }
}

#[tokio::test]
async fn a_name_that_fills_the_body_is_refused_without_repeating_it() {
    let answer = post_json("/things", json!({ "name": "x".repeat(60_000), "boxId": ID }).to_string()).await;
    answer.assert_faults(&["/name must be at most 100 characters long, but has 60000"]);
    let field = "x".repeat(60_000);
    let answer = post_json("/things", json!({ field: 1, "name": "Ada", "boxId": ID }).to_string()).await;
    answer.assert_faults(&[" has a field whose name is longer than 100 bytes"]);
}

#[tokio::test]
async fn the_list_of_faults_has_an_end() {
    let fields: serde_json::Map<_, _> = (0..4_000).map(|n| (format!("f{n}"), json!(n))).collect();
    let answer = post_json("/things", serde_json::to_vec(&fields).unwrap()).await;
    answer.assert_problem(422, "invalid-request");
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn ids_are_uuids_with_hyphens() {
    let simple = ID.replace('-', "");
    for id in ["", "1", "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2x", &simple, &format!("{{{ID}}}"), &"é".repeat(18)] {
        let body = json!({ "name": "Ada", "boxId": id }).to_string();
        post_json("/things", body)
            .await
            .assert_faults(&["/boxId must be a UUID, such as 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"]);
        get_path(&format!("/things/{}", id.replace(['{', '}', 'é'], "x")))
            .await
            .assert_problem(404, if id.is_empty() { "not-found" } else { "box-not-found" });
    }
    get_path("/things/%ff%00").await.assert_problem(404, "box-not-found");
}

#[tokio::test]
async fn only_json_is_taken() {
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", "json", ""] {
        post_with("/things", &[("content-type", media)], valid()).await.assert_problem(415, "unsupported-media-type");
    }
    post_with("/things", &[], valid()).await.assert_problem(415, "unsupported-media-type");
    for media in [
        "application/json; charset=iso-8859-1",
        "application/json;x=y; Charset=\"utf-16\"",
        "application/json;charset=",
    ] {
        post_with("/things", &[("content-type", media)], valid()).await.assert_problem(415, "unsupported-media-type");
    }
    let twice = [("content-type", "application/json"), ("content-type", "application/json")];
    post_with("/things", &twice, valid()).await.assert_problem(400, "malformed-header");
    for media in [
        "application/json; charset=utf-8",
        "application/json;Charset=\"UTF-8\"",
        "application/json; version=1;",
        "Application/JSON",
        "application/vnd.jetbridge+json",
    ] {
        let answer = post_with("/things", &[("content-type", media)], valid()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{media}");
    }
}

#[tokio::test]
async fn a_body_in_an_encoding_is_refused() {
    let json = ("content-type", "application/json");
    for encoding in ["gzip", "br", "identity, gzip", "nonsense", "Deflate"] {
        let refused = post_with("/things", &[json, ("content-encoding", encoding)], valid()).await;
        refused.assert_problem(415, "unsupported-media-type");
        assert_eq!(refused.headers["accept-encoding"], "identity", "{encoding}");
    }
    let twice = [json, ("content-encoding", "identity"), ("content-encoding", "gzip")];
    post_with("/things", &twice, valid()).await.assert_problem(415, "unsupported-media-type");
    for encoding in ["identity", "", "Identity, identity"] {
        let answer = post_with("/things", &[json, ("content-encoding", encoding)], valid()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{encoding}");
    }
    get_path(&format!("/things/{ID}")).await;
}

#[tokio::test]
async fn the_largest_body_is_taken() {
    let valid = valid();
    let padded = |length: usize| format!("{}{valid}", " ".repeat(length - valid.len()));
    assert_eq!(post_json("/things", padded(64 << 10)).await.status, StatusCode::CREATED);
    post_json("/things", padded((64 << 10) + 1)).await.assert_problem(413, "content-too-large");
}

#[tokio::test]
async fn too_large_a_body_is_refused_however_it_comes() {
    let large = vec![b' '; 10 << 20];
    post_json("/things", large.clone()).await.assert_problem(413, "content-too-large");

    let declared = [("content-type", "application/json"), ("content-length", "10485760")];
    post_with("/things", &declared, large.clone()).await.assert_problem(413, "content-too-large");

    let chunks = large.chunks(64 << 10).map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk)));
    let streamed = Body::from_stream(stream::iter(chunks.collect::<Vec<_>>()));
    post_json("/things", streamed).await.assert_problem(413, "content-too-large");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_malformed() {
    let parts = vec![Ok(Bytes::from_static(b"{\"na")), Err(std::io::Error::other("gone"))];
    let body = Body::from_stream(stream::iter(parts));
    post_json("/things", body).await.assert_problem(400, "malformed-json");
}

#[tokio::test]
async fn commands_without_input_take_no_body_or_an_empty_object() {
    let path = format!("/things/{ID}/poke");
    for (media, body) in [("text/plain", ""), ("application/json", ""), ("application/x-www-form-urlencoded", "{}")] {
        let answer = post_with(&path, &[("content-type", media)], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{media} {body}");
    }
    assert_eq!(post_with(&path, &[], "").await.status, StatusCode::OK);
    post_json(&path, r#"{"force":true}"#).await.assert_faults(&["/force is not a field of this request; remove it"]);
    post_json(&path, "[]").await.assert_faults(&[" must be a JSON object"]);
    post_json(&path, "force").await.assert_problem(400, "malformed-json");
}

#[tokio::test]
async fn commands_with_optional_input_take_no_body_or_json() {
    let path = format!("/things/{ID}/drop");
    assert_eq!(post_with(&path, &[], "").await.body["reason"], json!(null));
    assert_eq!(post_json(&path, r#"{"reason":"no-show"}"#).await.body["reason"], "no-show");
    post_with(&path, &[], r#"{"reason":"no-show"}"#).await.assert_problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    get_path("/nowhere").await.assert_problem(404, "not-found");
    get_path("/").await.assert_problem(404, "not-found");
    get_path("/things/").await.assert_problem(404, "not-found");
    let answer = send(Request::patch("/things").body(Body::empty()).unwrap()).await;
    answer.assert_problem(405, "method-not-allowed");
    assert_eq!(answer.headers["allow"], "POST,GET,HEAD");
    let answer = send(Request::builder().method("BREW").uri("/things").body(Body::empty()).unwrap()).await;
    answer.assert_problem(405, "method-not-allowed");
}
