use axum::body::Body;
use http::Request;
use proptest::prelude::*;
use shared_service::paging::decode_cursor;
use shared_service::parse;

use crate::support::{Answer, ID, send};

fn run(request: Request<Body>) -> Answer {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(send(request))
}

fn post(media: &str, body: Vec<u8>) -> Answer {
    run(Request::post("/things").header("content-type", media).body(Body::from(body)).unwrap())
}

/// Bytes that look like JSON more often than chance would have it.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"{".to_vec()),
        Just(b"}".to_vec()),
        Just(b"[".to_vec()),
        Just(b"]".to_vec()),
        Just(b":".to_vec()),
        Just(b",".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"\"name\"".to_vec()),
        Just(b"\"boxId\"".to_vec()),
        Just(b"\"at\"".to_vec()),
        Just(b"null".to_vec()),
        Just(b"-1e9".to_vec()),
        Just(b"\\ud834".to_vec()),
        Just(b"\\u0000".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_refused_politely(body in proptest::collection::vec(any::<u8>(), 0..512)) {
        let answer = post("application/json", body);
        prop_assert!([400, 422].contains(&answer.status.as_u16()), "{answer:?}");
        prop_assert!(answer.body["type"].is_string());
    }

    #[test]
    fn nearly_json_is_refused_politely(body in nearly_json()) {
        let answer = post("application/json", body);
        prop_assert!([201, 400, 422].contains(&answer.status.as_u16()), "{answer:?}");
    }

    #[test]
    fn any_names_and_times_are_taken_or_refused(name in any::<String>(), at in any::<String>()) {
        let body = serde_json::json!({ "name": name, "boxId": ID, "at": at }).to_string();
        prop_assert!([201, 422].contains(&post("application/json", body.into_bytes()).status.as_u16()));
    }

    #[test]
    fn any_headers_are_taken_or_refused(
        media in "[ -~]{0,20}",
        value in proptest::collection::vec(prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff], 0..40),
    ) {
        let mut request = Request::post("/things").header("content-type", media);
        for name in ["idempotency-key", "if-match", "jetbridge-position", "jetbridge-actor", "x-correlation-id", "traceparent"] {
            request = request.header(name, &value[..]);
        }
        let answer = run(request.body(Body::from("{}")).unwrap());
        prop_assert!([400, 415, 422].contains(&answer.status.as_u16()), "{answer:?}");
    }

    #[test]
    fn any_query_is_taken_or_refused(query in "[!$-;=?-~]{0,60}") {
        let answer = run(Request::get(format!("/things?{query}")).body(Body::empty()).unwrap());
        prop_assert!([200, 422].contains(&answer.status.as_u16()), "{answer:?}");
    }

    #[test]
    fn readers_never_panic(text in any::<String>()) {
        let _ = decode_cursor::<(String, u64)>(&text);
        let _ = parse::timestamp(&text);
        let _ = parse::id::<crate::support::BoxId>(&text);
    }
}
