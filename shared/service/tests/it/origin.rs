//! Who asks for a command, and as part of what.

use axum::body::Body;
use http::{HeaderValue, Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, ID, send};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn create(headers: &[(&str, &[u8])]) -> Answer {
    let mut request = Request::post("/things").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
    }
    send(request.body(Body::from(json!({ "name": "Ada", "boxId": ID }).to_string())).unwrap()).await
}

async fn kept(name: &str, value: &[u8]) -> Value {
    let answer = create(&[(name, value)]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{name}: {}: {answer:?}", value.escape_ascii());
    answer.body
}

#[tokio::test]
async fn what_is_said_is_kept_as_it_is() {
    let answer = create(&[
        ("x-correlation-id", b"shift 7"),
        ("jetbridge-actor", b"gate A12"),
        ("traceparent", TRACE.as_bytes()),
    ])
    .await;
    assert_eq!(answer.body["correlationId"], "shift 7");
    assert_eq!(answer.body["actor"], "gate A12");
    assert_eq!(answer.body["traceParent"], TRACE);
}

#[tokio::test]
async fn what_is_not_said_is_made_up() {
    let answer = create(&[]).await;
    assert!(uuid::Uuid::parse_str(answer.body["correlationId"].as_str().unwrap()).is_ok());
    assert_eq!((&answer.body["actor"], &answer.body["traceParent"]), (&json!("anonymous"), &Value::Null));
}

#[tokio::test]
async fn an_actor_has_a_name_in_any_script() {
    let longest = "é".repeat(100);
    for (value, name) in [
        ("Zoë", "Zoë"),
        ("UTF-8''Zo%C3%AB", "Zoë"),
        ("utf-8'de'Zo%c3%ab%20%F0%9F%9B%AB", "Zoë 🛫"),
        ("佐藤", "佐藤"),
        ("O'Brien", "O'Brien"),
        ("50% off", "50% off"),
        ("\t gate 7 ", "gate 7"),
        (&longest, &longest),
        ("box", "box"),
        ("my-box-api", "my-box-api"),
    ] {
        assert_eq!(kept("jetbridge-actor", value.as_bytes()).await["actor"], name, "{value}");
    }
}

#[tokio::test]
async fn an_actor_who_cannot_be_kept_is_refused() {
    let long = "é".repeat(101);
    for value in [
        &b""[..],
        b" ",
        b"a\tb",
        b"Zo\xeb",
        long.as_bytes(),
        b"UTF-8''",
        b"UTF-8''a%00b",
        b"UTF-8''a%0Ab",
        b"UTF-8''Zo%EB",
        b"UTF-8''Zo%C3",
        b"UTF-8''Zo%",
        b"UTF-8''Zo%zz",
        "UTF-8''Zoë".as_bytes(),
        "a\u{85}b".as_bytes(),
    ] {
        let refused = create(&[("jetbridge-actor", value)]).await;
        refused.assert_problem(400, "malformed-header");
        assert!(refused.body["detail"].as_str().unwrap().contains("Jetbridge-Actor"), "{refused:?}");
    }
    create(&[("jetbridge-actor", b"a"), ("jetbridge-actor", b"a")]).await.assert_problem(400, "malformed-header");
}

#[tokio::test]
async fn the_names_of_services_are_theirs() {
    for name in ["box-api", "box-processor", "box-reactions", "box-projection", "Box-API", "gateway", "auditlog-api"] {
        for value in [name.to_owned(), format!(" {name}"), format!("UTF-8''{name}")] {
            let refused = create(&[("jetbridge-actor", value.as_bytes())]).await;
            refused.assert_problem(400, "malformed-header");
            assert!(refused.body["detail"].as_str().unwrap().contains(name), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn a_correlation_id_is_kept_or_refused() {
    for value in ["x".repeat(90), "x".repeat(255), "~ !".to_owned()] {
        assert_eq!(kept("x-correlation-id", value.as_bytes()).await["correlationId"], value);
    }
    let long = "x".repeat(256);
    for value in [&b""[..], b"  ", b"a\tb", "Zoë".as_bytes(), long.as_bytes()] {
        create(&[("x-correlation-id", value)]).await.assert_problem(400, "malformed-header");
    }
    create(&[("x-correlation-id", b"a"), ("x-correlation-id", b"a")]).await.assert_problem(400, "malformed-header");
}

#[tokio::test]
async fn a_trace_of_a_later_version_is_gone_on_with_as_far_as_it_is_known() {
    let ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
    for (value, expected) in [
        (format!("00-{ids}-03"), format!("00-{ids}-03")),
        (format!("01-{ids}-01"), format!("00-{ids}-01")),
        (format!("01-{ids}-01-extra"), format!("00-{ids}-01")),
        (format!("cc-{ids}-fe-what-ever"), format!("00-{ids}-00")),
    ] {
        assert_eq!(kept("traceparent", value.as_bytes()).await["traceParent"], expected, "{value}");
    }
}

#[tokio::test]
async fn a_trace_that_cannot_be_read_is_not_gone_on_with() {
    let ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
    for value in [
        String::new(),
        "x".repeat(101),
        "00-00000000000000000000000000000000-b7ad6b7169203331-01".to_owned(),
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01".to_owned(),
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01".to_owned(),
        format!("ff-{ids}-01"),
        format!("00-{ids}-01-x"),
        format!("01-{ids}-01extra"),
        format!("01-{ids}-1"),
        format!("0-{ids}-01"),
    ] {
        assert_eq!(kept("traceparent", value.as_bytes()).await["traceParent"], Value::Null, "{value}");
    }
    let two = create(&[("traceparent", TRACE.as_bytes()), ("traceparent", TRACE.as_bytes())]).await;
    assert_eq!((two.status, &two.body["traceParent"]), (StatusCode::CREATED, &Value::Null));
}
