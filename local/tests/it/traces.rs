//! Traces and the log, as operators get them.

mod collector;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use collector::{Collector, Span};
use jetbridge_testing::{Api, Call, eventually, unique, unknown_id};

use crate::system::{LIMIT, System};

/// The span that a client sends its request from.
const CLIENT: &str = "00f067aa0ba902b7";
const REACTION: &str = "process passenger-reactions";
const NAMES: [&str; 3] = ["Ada Lovelace", "Grace Hopper", "Katherine Johnson"];

/// A `traceparent` of this trace.
fn parent(trace: &str, flags: &str) -> String {
    format!("00-{trace}-{CLIENT}-{flags}")
}

fn trace_id() -> String {
    unique().replace('-', "")
}

/// The lines of a log in JSON with this message.
fn lines(log: &str, message: &str) -> Vec<Value> {
    let parsed = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    parsed.filter(|line| line["message"] == message).collect()
}

/// Waits until what has happened is in the tables.
async fn is_projected(api: &Api, passenger: &str, position: &str) {
    eventually("it is projected", LIMIT, async || {
        let found = api.get(&format!("/api/passengers/{passenger}")).position(position).send().await;
        if found.status == StatusCode::OK { Ok(()) } else { Err(found.text) }
    })
    .await;
}

/// Lets every service log all it can, and nothing that is no filter.
async fn log_everything(api: &Api) {
    let set = api.put("/api/admin/log").json(&json!({"filter": "debug"})).send().await.expect(StatusCode::OK);
    let services = set.body["services"].as_array().unwrap();
    assert!(services.len() == 6 && services.iter().all(|service| service["filter"] == "debug"), "{}", set.text);
    let refused = api.put("/api/admin/log").json(&json!({"filter": "a=b=c"})).send().await;
    refused.expect_problem(422, "invalid-request");
    assert_eq!(api.found("/api/admin/log").await, set.body);
}

/// What people do, with their names in all places where names are. What is recorded is a part of this trace.
async fn live(api: &Api, trace: &str) {
    let traced = |call: Call| call.header("traceparent", &parent(trace, "00"));
    let flight = traced(api.create_flight()).send().await.id();
    let ada = traced(api.add(&flight, NAMES[0])).send().await.id();
    let grace = api.add(&flight, NAMES[1]).send().await.id();
    api.rename(&grace, NAMES[2]).send().await.expect(StatusCode::OK);
    api.offload(&grace).send().await.expect(StatusCode::OK);
    let boarded = traced(api.board(&ada)).send().await.expect(StatusCode::OK);
    is_projected(api, &ada, &boarded.position()).await;
    traced(api.get(&format!("/api/flights/{flight}"))).send().await.expect(StatusCode::OK);
    api.found("/api/passengers?text=Lovelace").await;
    let nonsense = json!({"flightId": flight, "name": NAMES[1], "unknown": NAMES[0]});
    api.post("/api/passengers").json(&nonsense).send().await.expect_problem(422, "invalid-request");
    let path = format!("/api/flights/{}", unknown_id());
    let missing = api.get(&path).header("X-Correlation-Id", "gate 12").send().await.expect(StatusCode::NOT_FOUND);
    assert_eq!(missing.header("x-correlation-id"), Some("gate 12"));
    assert_eq!(missing.body["instance"], "urn:correlation-id:gate%2012");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_goes_from_the_click_to_the_row_and_no_line_names_anybody() {
    let collector = Collector::start().await;
    let arguments = ["--otlp-endpoint", collector.url(), "--trace-ratio", "1", "--log-format", "json", "--log", "info"];
    let mut system = System::start_with(&arguments).await;
    let (api, trace) = (system.api(), trace_id());
    log_everything(&api).await;
    live(&api, &trace).await;
    eventually("the reaction is recorded", LIMIT, async || {
        let is_there = |span: &Span| span.trace_id == trace && span.name == REACTION;
        if collector.spans().iter().any(is_there) { Ok(()) } else { Err("it is not".to_owned()) }
    })
    .await;
    let ended = system.terminate().await;
    assert_log(&ended.stderr);
    assert_trace(&collector.spans(), &trace);
}

fn assert_log(log: &str) {
    for name in NAMES.iter().filter_map(|name| name.split(' ').next_back()) {
        let line = log.lines().find(|line| line.contains(name));
        assert_eq!(line, None, "the log names {name}");
    }
    let answered = lines(log, "answered a request").len();
    assert!(answered > 10 && log.lines().count() > 2 * answered, "everything is logged: {log}");
    let refusals = lines(log, "a request was refused");
    let refusals: Vec<_> = refusals.iter().filter(|line| line["span"]["correlation.id"] == "gate 12").collect();
    let [refusal] = refusals[..] else { panic!("one line for each refused request: {refusals:?}") };
    assert_eq!((&refusal["http.route"], &refusal["http.status"]), (&json!("/api/flights/{id}"), &json!(404)));
    assert_eq!((&refusal["principal.id"], &refusal["problem.type"]), (&json!("none"), &json!("flight-not-found")));
    assert!(refusal["took.ms"].is_number() && refusal["span"]["trace.id"].is_string(), "{refusal}");
}

fn assert_trace(spans: &[Span], trace: &str) {
    let of = |name: &str| spans.iter().filter(|span| span.trace_id == trace && span.name == name).collect::<Vec<_>>();
    let said = |name: &str, ancestors: &[&str]| {
        let found: Vec<_> = of(name).into_iter().map(|span| collector::chain(spans, span)).collect();
        assert!(found.iter().any(|chain| chain == ancestors), "{name} below {ancestors:?}, but: {found:#?}");
    };
    let creating = ["POST /api/flights", "POST", "POST /api/flights", CLIENT];
    said("execute commands", &creating);
    said("send", &[&["execute commands"][..], &creating].concat());
    said("INSERT flights", &[&["process flight-projection"][..], &creating].concat());
    let boarding = ["POST /api/passengers/{id}/board", "POST", "POST /api/passengers", CLIENT];
    said("JSON-RPC", &boarding);
    said("flight.noteManifest", &[&["POST /rpc", "JSON-RPC"][..], &boarding].concat());
    said(REACTION, &boarding);
    said("SELECT flights", &["GET /api/flights/{id}", "GET", "GET /api/flights", CLIENT]);
    let batch = of("execute commands")[0];
    assert!(batch.links.iter().any(|(linked, _)| linked == trace), "{batch:?}");
    let statement = of("INSERT flights")[0];
    assert_eq!(statement.attribute("db.system.name"), "postgresql");
    assert!(statement.attribute("db.query.text").starts_with("INSERT INTO flights"));
    for name in NAMES {
        assert!(!spans.iter().any(|span| format!("{span:?}").contains(name)), "a span names {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_recorded_and_nobody_outside_decides_about_the_rest() {
    let collector = Collector::start().await;
    let mut system = System::start_with(&["--otlp-endpoint", collector.url(), "--trace-ratio", "0"]).await;
    let (api, trace) = (system.api(), trace_id());
    let traced = |method, path: &str| api.call(method, path).header("traceparent", &parent(&trace, "01"));
    let flight = api.create_flight().header("traceparent", &parent(&trace, "01")).send().await.id();
    let path = format!("/api/flights/{flight}");
    let failed = traced(Method::GET, &path).position("f999999").send().await.expect_problem(503, "not-yet");
    assert!(failed.body["instance"].as_str().is_some_and(|instance| instance.starts_with("urn:correlation-id:")));
    system.terminate().await;
    let mut spans = collector.spans();
    spans.sort_by(|one, other| one.name.cmp(&other.name));
    let found: Vec<_> = spans.iter().map(|span| (&*span.name, &*span.trace_id, span.has_failed)).collect();
    let (api, gateway) = ("GET /api/flights/{id}", "GET /api/flights");
    assert_eq!(found, [(gateway, &*trace, true), (api, &*trace, true)]);
    assert_eq!(spans[1].attribute("error.type"), "not-yet");
}

#[tokio::test]
async fn a_collector_that_is_away_holds_up_nothing() {
    // Nobody listens there.
    let arguments = ["--otlp-endpoint", "http://127.0.0.1:1", "--trace-ratio", "1"];
    let mut system = System::start_with(&arguments).await;
    let api = system.api();
    for _ in 0..20 {
        api.create_flight().send().await.expect(StatusCode::CREATED);
    }
    let ended = system.terminate().await;
    assert!(ended.status.success() && ended.took < crate::system::STOP_LIMIT, "{ended:?}");
    assert!(ended.stderr.matches("spans of traces are lost").count() <= 1, "{}", ended.stderr);
}
