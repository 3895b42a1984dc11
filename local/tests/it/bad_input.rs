//! Requests that no well-behaved client sends. Each gets the answer that says what is wrong, and nothing comes of it.

use std::time::Duration;

use futures::stream;
use jetbridge_testing::{Answer, Api, Call, flight_details, unique};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::{Body, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::history::History;
use crate::system::System;

/// Somebody whose every request is refused.
struct Troublemaker {
    api: Api,
    actor: String,
    flight: String,
    passenger: String,
}

impl Troublemaker {
    async fn new() -> Self {
        let api = System::shared().await.api();
        let flight = api.new_flight().await;
        let passenger = api.new_passenger(&flight).await;
        Self { api, actor: format!("troublemaker {}", unique()), flight, passenger }
    }

    fn sent(&self, call: Call) -> Call {
        call.header("Jetbridge-Actor", &self.actor)
    }

    fn create(&self) -> Call {
        self.sent(self.api.post("/api/flights"))
    }

    /// Every command with a body, and the fields that it has to have.
    fn commands(&self) -> [(Call, &'static [&'static str]); 5] {
        let (flight, passenger) = (&self.flight, &self.passenger);
        [
            (self.create(), &["/destination", "/flightNumber", "/origin"]),
            (self.sent(self.api.put(&format!("/api/flights/{flight}"))), &["/destination", "/flightNumber", "/origin"]),
            (self.sent(self.api.post("/api/passengers")), &["/flightId", "/name"]),
            (self.sent(self.api.put(&format!("/api/passengers/{passenger}"))), &["/name"]),
            (self.sent(self.api.post(&format!("/api/passengers/{passenger}/offload"))), &["/reason"]),
        ]
    }

    /// The commands that need no body.
    fn bare_commands(&self) -> [Call; 2] {
        let (flight, passenger) = (&self.flight, &self.passenger);
        [
            self.sent(self.api.post(&format!("/api/flights/{flight}/land"))),
            self.sent(self.api.post(&format!("/api/passengers/{passenger}/board"))),
        ]
    }

    /// Nothing has come of it, and everything goes on.
    async fn assert_nothing_happened(&self) {
        let history = History::read(&self.api).await;
        let done: Vec<_> = history.entries.iter().filter(|entry| entry.metadata["actor"] == self.actor).collect();
        assert!(done.is_empty(), "{done:?}");
        assert_alive(&self.api).await;
    }
}

async fn assert_alive(api: &Api) {
    api.get("/api/health").send().await.expect(StatusCode::OK);
    let log = System::shared().await.stderr();
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    let somebody = Troublemaker::new().await;
    let deep = "[".repeat(60_000);
    for body in [
        &b"{"[..],
        b"",
        b"{]",
        b"nonsense",
        b"{\"name\": NaN}",
        b"{'name': 'x'}",
        b"{\"name\": \"x\",}",
        b"{} {}",
        b"{\"name\": \"\\ud800\"}",
        b"{\"name\": \"\\udc00\\ud800\"}",
        b"{\"name\": \"\\u12\"}",
        b"{\"name\": \"line\nbreak\"}",
        b"{\"name\": \"nul\0\"}",
        b"{\"name\": \"\xff\xfe\"}",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"\0\0\0\0",
        deep.as_bytes(),
    ] {
        for (command, _) in somebody.commands() {
            command.raw_json(body.to_vec()).send().await.expect_problem(400, "malformed-json");
        }
    }
    for command in somebody.bare_commands() {
        command.raw_json("nonsense").send().await.expect_problem(400, "malformed-json");
    }
    somebody.assert_nothing_happened().await;
}

#[tokio::test]
async fn json_that_is_no_object_is_invalid() {
    let somebody = Troublemaker::new().await;
    for body in ["null", "[]", "[{}]", "true", "0", "1e308", "-1", "\"text\"", "{}"] {
        for (command, required) in somebody.commands() {
            let answer = command.raw_json(body).send().await.expect_problem(422, "invalid-request");
            let mut expected = required.to_vec();
            if body != "{}" {
                expected.insert(0, "");
            }
            assert_eq!(answer.faults(), expected, "{}", answer.text);
        }
    }
    for command in somebody.bare_commands() {
        command.raw_json("[1]").send().await.expect_problem(422, "invalid-request");
    }
    somebody.assert_nothing_happened().await;
}

/// Flight details with one field replaced, added, or removed by `null`.
fn with(field: &str, value: Value) -> Value {
    let mut details = flight_details();
    details[field] = value;
    details
}

#[tokio::test]
async fn every_field_at_fault_is_named() {
    let somebody = Troublemaker::new().await;
    for value in [json!(1), json!(true), json!([]), json!({}), json!(null), json!(""), json!(" \t\n "), json!("\u{a0}")]
    {
        for field in ["flightNumber", "origin", "destination"] {
            let answer = somebody.create().json(&with(field, value.clone())).send().await;
            assert_eq!(answer.expect_problem(422, "invalid-request").faults(), [format!("/{field}")], "{value}");
        }
    }
    for control in ["a\0b", "a\u{1}b", "a\nb", "a\r\nb", "a\u{7f}b", "a\u{85}b", "a\u{2028}b", "\u{200b}", "\u{202e}GJ"]
    {
        for field in ["flightNumber", "origin", "destination"] {
            let answer = somebody.create().json(&with(field, json!(control))).send().await;
            assert_eq!(answer.expect_problem(422, "invalid-request").faults(), [format!("/{field}")], "{control:?}");
        }
    }
    for (field, text) in
        [("flightNumber", "x".repeat(11)), ("origin", "é".repeat(101)), ("destination", "y".repeat(101))]
    {
        let answer = somebody.create().json(&with(field, json!(text))).send().await;
        assert_eq!(answer.expect_problem(422, "invalid-request").faults(), [format!("/{field}")]);
    }
    for (field, pointer) in [
        ("surplus", "/surplus"),
        ("FlightNumber", "/FlightNumber"),
        ("id", "/id"),
        ("status", "/status"),
        ("__proto__", "/__proto__"),
        ("a/b~c", "/a~1b~0c"),
        ("", "/"),
    ] {
        let answer = somebody.create().json(&with(field, json!("x"))).send().await;
        assert_eq!(answer.expect_problem(422, "invalid-request").faults(), [pointer]);
    }
    let all = json!({"flightNumber": 1, "origin": null, "surplus": 2, "scheduledDeparture": "soon"});
    let answer = somebody.create().json(&all).send().await.expect_problem(422, "invalid-request");
    assert_eq!(answer.faults(), ["/destination", "/flightNumber", "/origin", "/scheduledDeparture", "/surplus"]);
    somebody.assert_nothing_happened().await;
}

#[tokio::test]
async fn fields_that_are_given_twice_are_invalid() {
    let somebody = Troublemaker::new().await;
    let body = r#"{"flightNumber": "1", "origin": "x", "destination": "y", "origin": "x"}"#;
    let answer = somebody.create().raw_json(body).send().await.expect_problem(422, "invalid-request");
    assert_eq!(answer.faults(), ["/origin"]);
    let passenger = format!("/api/passengers/{}", somebody.passenger);
    let body = r#"{"name": "Ada", "n\u0061me": "Grace"}"#;
    let answer = somebody.sent(somebody.api.put(&passenger)).raw_json(body).send().await;
    assert_eq!(answer.expect_problem(422, "invalid-request").faults(), ["/name"]);
    somebody.assert_nothing_happened().await;
}

#[tokio::test]
async fn times_that_make_no_sense_are_invalid() {
    let somebody = Troublemaker::new().await;
    for time in [
        "",
        "now",
        "2026-05-01",
        "12:30:00Z",
        "2026-05-01T12:30:00",
        "2026-13-01T12:30:00Z",
        "2026-02-30T12:30:00Z",
        "2026-05-01T25:00:00Z",
        "2026-05-01T12:30:00+99:00",
        "2026-05-01T12:30:00[Europe/Berlin]",
        "2026-05-01T12:30Z",
        "2026-05-01T12:30:60Z",
        "2026-12-31T23:59:60Z",
        "2026-05-01T12:30:00+24:00",
        "2026-05-01T12:30:00.0000001Z",
        "1969-12-30T23:59:59Z",
        "2200-01-02T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "-009999-01-01T00:00:00Z",
        "+010000-01-01T00:00:00Z",
        "99999999999999999999-01-01T00:00:00Z",
        "1767225600",
    ] {
        let answer = somebody.create().json(&with("scheduledDeparture", json!(time))).send().await;
        let faults = answer.expect_problem(422, "invalid-request");
        assert_eq!(faults.faults(), ["/scheduledDeparture"], "{time}");
    }
    for time in [json!(0), json!({}), json!([]), json!(false)] {
        somebody.create().json(&with("scheduledDeparture", time)).send().await.expect_problem(422, "invalid-request");
    }
    somebody.assert_nothing_happened().await;
}

#[tokio::test]
async fn identifiers_that_are_none_are_invalid() {
    let somebody = Troublemaker::new().await;
    let flight = &somebody.flight;
    for id in [
        json!(""),
        json!("1"),
        json!(1),
        json!(null),
        json!(flight.replace('-', "")),
        json!(format!("{{{flight}}}")),
        json!(format!("urn:uuid:{flight}")),
        json!(format!(" {flight}")),
        json!(format!("{}g", &flight[..35])),
        json!("x".repeat(10_000)),
    ] {
        let add = somebody.sent(somebody.api.post("/api/passengers")).json(&json!({"flightId": id, "name": "x"}));
        let answer = add.send().await.expect_problem(422, "invalid-request");
        assert_eq!(answer.faults(), ["/flightId"], "{id}");
    }
    somebody.assert_nothing_happened().await;
}

#[tokio::test]
async fn bodies_that_are_not_declared_as_json_are_unsupported() {
    let somebody = Troublemaker::new().await;
    let details = flight_details().to_string();
    for media_type in ["text/plain", "application/xml", "application/x-www-form-urlencoded", "json", "", "text/json"] {
        let answer = somebody.create().header("Content-Type", media_type).body(details.clone()).send().await;
        answer.expect_problem(415, "unsupported-media-type");
    }
    somebody.create().body(details.clone()).send().await.expect_problem(415, "unsupported-media-type");
    somebody.assert_nothing_happened().await;

    for media_type in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.jetbridge+json"] {
        let api = &somebody.api;
        let answer = api.post("/api/flights").header("Content-Type", media_type).body(details.clone()).send().await;
        answer.expect(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let somebody = Troublemaker::new().await;
    let long = "x".repeat(60_000);
    for body in [with("origin", json!(long)), with(&long, json!("x"))] {
        let answer = somebody.create().json(&body).send().await.expect_problem(422, "invalid-request");
        assert!(answer.text.len() < 10_000, "{}", answer.text.len());
    }
    let huge = with("origin", json!("x".repeat(10 * 1024 * 1024))).to_string();
    for (command, _) in somebody.commands() {
        command.raw_json(huge.clone()).send().await.expect_problem(413, "content-too-large");
    }
    // Of a length that is not told before.
    let chunks = huge.as_bytes().chunks(64 * 1024).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()));
    let body = Body::wrap_stream(stream::iter(chunks.collect::<Vec<_>>()));
    somebody.create().raw_json(body).send().await.expect_problem(413, "content-too-large");
    somebody.assert_nothing_happened().await;
}

#[tokio::test]
async fn what_headers_say_is_kept_or_refused() {
    let api = System::shared().await.api();
    let created_with = async |name: &'static str, value: &str| {
        let flight = api.create_flight().header(name, value).send().await.expect(StatusCode::CREATED).id();
        let history = History::read(&api).await;
        history.entries.iter().find(|entry| entry.flight() == flight).unwrap().metadata.clone()
    };
    let long = "x".repeat(255);
    assert_eq!(created_with("X-Correlation-Id", &long).await["$correlationId"], long);
    for name in ["Zoë", "UTF-8''Zo%C3%AB"] {
        assert_eq!(created_with("Jetbridge-Actor", name).await["actor"], "Zoë");
    }
    // Another trace begins where one cannot be gone on with.
    assert!(!created_with("traceparent", "00-x-y-01").await.to_string().contains("00-x-y-01"));

    let somebody = Troublemaker::new().await;
    for (name, value) in [
        ("X-Correlation-Id", "x".repeat(256)),
        ("X-Correlation-Id", String::new()),
        ("Jetbridge-Actor", "x".repeat(101)),
        ("Jetbridge-Actor", String::new()),
        ("Jetbridge-Actor", "passenger-processor".to_owned()),
        ("Jetbridge-Actor", "flight-reactions".to_owned()),
    ] {
        api.create_flight().header(name, &value).send().await.expect_problem(400, "malformed-header");
    }
    somebody.create().header("Jetbridge-Actor", "twice").send().await.expect_problem(400, "malformed-header");
    somebody.assert_nothing_happened().await;
}

/// Some JSON, with fields as the API has them among it.
fn some_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("flightNumber".to_owned()),
        Just("origin".to_owned()),
        Just("destination".to_owned()),
        Just("scheduledDeparture".to_owned()),
        Just("flightId".to_owned()),
        Just("name".to_owned()),
        Just("reason".to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[A-Z]{3}".prop_map(Value::from),
    ];
    let field = prop::collection::btree_map(name, leaf.clone(), 0..6);
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            field.clone().prop_map(|fields| Value::Object(fields.into_iter().collect())),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

#[tokio::test]
async fn whatever_is_sent_is_answered() {
    const CASES: usize = 150;
    let somebody = Troublemaker::new().await;
    let mut runner = TestRunner::default();
    let (bodies, noise) = (some_json(), prop::collection::vec(any::<u8>(), 0..64));
    let (mut sending, mut answers) = (JoinSet::new(), Vec::new());
    for _ in 0..CASES {
        let body = bodies.new_tree(&mut runner).unwrap().current();
        let noise = noise.new_tree(&mut runner).unwrap().current();
        for (command, _) in somebody.commands() {
            sending.spawn(command.json(&body).send());
        }
        sending.spawn(somebody.create().raw_json(noise).send());
        while sending.len() > 32 {
            answers.push(sending.join_next().await.unwrap().unwrap());
        }
    }
    answers.extend(timeout(Duration::from_secs(30), sending.join_all()).await.expect("all are answered"));
    assert_eq!(answers.len(), CASES * 6);
    // By chance, something may be right. What is refused says why.
    let offload = |answer: &&Answer| answer.what.ends_with("/offload");
    let is_offloaded = answers.iter().filter(offload).any(|answer| answer.status == StatusCode::OK);
    for answer in &answers {
        let is_once_more = is_offloaded && offload(&answer) && answer.slug() == "passenger-offloaded";
        assert!(matches!(answer.status.as_u16(), 200 | 201 | 400 | 422) || is_once_more, "{answer:?}");
    }
    assert_alive(&somebody.api).await;
}
