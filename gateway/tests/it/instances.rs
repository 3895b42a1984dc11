//! What operators are told by every instance of every service, and tell it.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gateway::{Limits, Services};
use http::StatusCode;
use jetbridge_testing::TestService;
use serde_json::{Value, json};
use shared_service::settings::ServiceUrls;

use crate::support::{all_at, gateway_of, nobody, serve};

/// An instance of a service, and what it logs.
#[derive(Clone)]
struct Replica {
    process: &'static str,
    filter: Arc<Mutex<String>>,
}

impl Replica {
    fn new(process: &'static str) -> Self {
        Self { process, filter: Arc::new(Mutex::new("info".to_owned())) }
    }

    async fn start(&self) -> TestService {
        let numbers = async |State(of): State<Self>| {
            let series = json!([{ "metric": "m", "of": "boxes", "values": [1, null] }]);
            Json(json!({ "process": of.process, "version": "1.2.3", "ages": [5, 0], "series": series }))
        };
        let configuration = async |State(of): State<Self>| {
            let setting = json!({ "name": "--listen", "value": "127.0.0.1:1", "source": "default" });
            Json(json!({ "process": of.process, "version": "1.2.3", "settings": [setting] }))
        };
        let logs = async |State(of): State<Self>| Json(json!({ "filter": *of.filter.lock().unwrap() }));
        let log = async |State(of): State<Self>, Json(asked): Json<Value>| {
            *of.filter.lock().unwrap() = asked["filter"].as_str().unwrap().to_owned();
            Json(asked)
        };
        let routes = Router::new()
            .route("/health/ready", get(async || Json(json!({ "status": "up" }))))
            .route("/numbers", get(numbers))
            .route("/configuration", get(configuration))
            .route("/log", get(logs).put(log));
        serve(routes.with_state(self.clone())).await
    }
}

/// A service of the release before, which tells nothing.
async fn older() -> TestService {
    serve(Router::new().fallback(async || -> Response { StatusCode::NOT_FOUND.into_response() })).await
}

/// A gateway with two instances of the flight API, a passenger API of the release before, and nobody else.
struct World {
    gateway: TestService,
    replicas: [Replica; 2],
    addresses: [String; 2],
    services: Vec<TestService>,
}

impl World {
    /// With this process behind both instances.
    async fn new(processes: [&'static str; 2]) -> Self {
        let replicas = processes.map(Replica::new);
        let [one, other] = [replicas[0].start().await, replicas[1].start().await];
        let older = older().await;
        let mut services: Services = all_at(nobody().await);
        let both = format!("http://{},http://{}", one.address(), other.address());
        services.domains[0].api = both.parse::<ServiceUrls>().unwrap();
        services.domains[1].api = format!("http://{}", older.address()).parse().unwrap();
        let gateway = gateway_of(services, Limits::default()).await;
        let addresses = [one.address().to_string(), other.address().to_string()];
        Self { gateway, replicas, addresses, services: vec![one, other, older] }
    }

    async fn get(&self, path: &str) -> Value {
        self.gateway.api().get(path).send().await.expect(StatusCode::OK).body
    }
}

/// The items of a list about a service.
fn of(service: &str, list: &Value) -> Vec<Value> {
    list.as_array().unwrap().iter().filter(|item| item["service"] == service).cloned().collect()
}

#[tokio::test]
async fn every_instance_is_asked_for_its_numbers_and_who_says_nothing_is_named() {
    let world = World::new(["a", "b"]).await;
    let all = world.get("/api/admin/numbers").await;
    let names: Vec<_> = all["services"].as_array().unwrap().iter().map(|service| &service["service"]).collect();
    assert_eq!(names, ["gateway", "flight-api", "passenger-api", "auditlog-api"]);
    let gateway = &all["services"][0]["instances"][0];
    assert_eq!((&gateway["address"], &gateway["inUse"]), (&Value::Null, &json!(true)));
    assert!(gateway["startedAt"].is_string() && gateway["version"].is_string(), "{gateway}");
    assert_eq!(gateway["series"][0]["metric"], "jetbridge_http_requests_total");
    assert_eq!(gateway["series"][0]["of"], "gateway");

    let instances = all["services"][1]["instances"].as_array().unwrap();
    for ((instance, address), process) in instances.iter().zip(&world.addresses).zip(["a", "b"]) {
        assert_eq!((&instance["address"], &instance["process"]), (&json!(address), &json!(process)));
        assert_eq!((&instance["inUse"], &instance["leftOut"]), (&json!(true), &json!(false)));
        assert_eq!((&instance["since"], &instance["ejections"]), (&Value::Null, &json!(0)));
        assert_eq!(instance["series"][0]["values"], json!([1, null]));
    }
    assert_eq!(instances.len(), 2);
    assert_eq!(all["services"][2]["instances"][0]["detail"], "it does not tell");
    assert_eq!(all["services"][3]["instances"][0]["detail"], "it cannot be reached");
}

#[tokio::test]
async fn an_instance_that_failed_is_shown_as_left_out() {
    let mut world = World::new(["a", "b"]).await;
    drop(world.services.remove(0));
    // Until one of the requests has gone to it.
    for _ in 0..10 {
        reqwest::get(world.gateway.url("/api/flights")).await.unwrap();
    }
    let services = world.get("/api/admin/numbers").await["services"].clone();
    let gone = &services[1]["instances"][0];
    assert_eq!((&gone["inUse"], &gone["detail"]), (&json!(false), &json!("it cannot be reached")));
    assert!(gone["since"].is_string(), "{gone}");
    assert_eq!(services[1]["instances"][1]["inUse"], true);
}

#[tokio::test]
async fn configuration_is_shown_once_for_each_process() {
    let path = "/api/admin/configuration";
    let world = World::new(["a", "b"]).await;
    let all = world.get(path).await;
    let processes = all["processes"].as_array().unwrap();
    assert_eq!(processes.len(), 3, "{all}");
    assert_eq!(processes[0]["instances"], json!([{ "service": "gateway", "address": null }]));
    let [first, second] = world.addresses.each_ref();
    assert_eq!(processes[1]["instances"], json!([{ "service": "flight-api", "address": first }]));
    assert_eq!(processes[1]["settings"][0]["name"], "--listen");
    assert_eq!(processes[2]["instances"], json!([{ "service": "flight-api", "address": second }]));
    assert_eq!(of("passenger-api", &all["unreachable"])[0]["detail"], "it does not tell");
    assert_eq!(of("auditlog-api", &all["unreachable"])[0]["detail"], "it cannot be reached");

    // Two services of one process.
    let all = World::new(["a", "a"]).await.get(path).await;
    assert_eq!(all["processes"][1]["instances"].as_array().unwrap().len(), 2, "{all}");
}

#[tokio::test]
async fn every_instance_is_told_what_to_log() {
    let world = World::new(["a", "b"]).await;
    // This process has no log whose filter could be set.
    let filter = json!({ "filter": "warn" });
    let api = world.gateway.api();
    let set = api.put("/api/admin/log").json(&filter).send().await.expect(StatusCode::OK).body;
    assert_eq!(world.replicas.each_ref().map(|replica| replica.filter.lock().unwrap().clone()), ["warn", "warn"]);
    let expected = world.addresses.each_ref();
    let expected = expected.map(|at| json!({ "service": "flight-api", "instance": at, "filter": "warn" }));
    assert_eq!(of("flight-api", &set["services"]), expected);
    assert_eq!(of("passenger-api", &set["services"])[0]["detail"], "it answers 404 Not Found");
    assert_eq!(of("auditlog-api", &set["services"])[0]["detail"], "it cannot be reached");
    assert_eq!(of("gateway", &set["services"])[0]["instance"], Value::Null);
    let shown = world.get("/api/admin/log").await;
    assert_eq!(of("flight-api", &shown["services"]), expected);
}
