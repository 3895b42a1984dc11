//! What operators see of all domains at the gateway, and do to them.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, RawQuery, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use gateway::Limits;
use http::{HeaderMap, StatusCode};
use jetbridge_testing::{Api, TestService};
use serde_json::{Value, json};
use shared_service::{Problem, problem_type};

use crate::support::{gateway_of, nobody, serve, services_at};

/// A processor with this many parked events, as many unfinished things, and what it was told.
#[derive(Clone)]
struct Processor {
    name: &'static str,
    events: usize,
    /// Whether its reactions wait for an operator's word.
    is_halted: bool,
    /// Whether it says that it leads, if it says anything of that.
    leads: Option<bool>,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Processor {
    fn with(name: &'static str, events: usize) -> Self {
        Self { name, events, is_halted: false, leads: None, told: Arc::default() }
    }

    fn halted(name: &'static str) -> Self {
        Self { is_halted: true, ..Self::with(name, 0) }
    }

    async fn start(&self) -> TestService {
        let routes = Router::new()
            .route("/parked", get(list))
            .route("/parked/discarded", get(list))
            .route("/unfinished", get(list))
            .route("/reactions/resume", post(resume))
            .route("/rebuild", get(rebuilds).post(rebuild))
            .route("/parked/replay", post(replay))
            .route("/parked/{id}", get(show))
            .route("/parked/{id}/discard", post(discard));
        serve(routes.with_state(self.clone())).await
    }
}

/// As a processor does it, with the number of the first item of the next page as the cursor.
async fn list(State(processor): State<Processor>, RawQuery(query): RawQuery) -> Json<Value> {
    let query = query.unwrap_or_default();
    let number = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.parse::<usize>().ok());
    let from = number("after=").unwrap_or(0);
    let to = (from + number("limit=").unwrap()).min(processor.events);
    let items: Vec<_> = (from..to).map(|at| json!({ "eventNumber": at, "reader": processor.name })).collect();
    let next = (to < processor.events).then(|| to.to_string());
    let mut answer = json!({ "items": items, "next": next, "total": processor.events });
    if let Some(leads) = processor.leads {
        answer["leads"] = leads.into();
    }
    Json(answer)
}

async fn show(State(processor): State<Processor>, Path(id): Path<String>) -> axum::response::Response {
    if !id.starts_with(&processor.events.to_string()) {
        return Problem::of(problem_type::NOT_FOUND).into_response();
    }
    Json(json!({ "reader": processor.name, "data": "{" })).into_response()
}

async fn replay(State(processor): State<Processor>) -> Json<Value> {
    Json(json!([{ "reader": processor.name, "replayed": processor.events }]))
}

/// As many as there are parked events.
async fn rebuilds(State(processor): State<Processor>) -> Json<Value> {
    let rebuilds = vec![json!({ "readModel": processor.name, "status": "running" }); processor.events];
    Json(json!({ "rebuilds": rebuilds }))
}

async fn rebuild(State(processor): State<Processor>) -> axum::response::Response {
    if processor.events > 0 {
        return Problem::of(problem_type::REBUILD_RUNNING).into_response();
    }
    (StatusCode::ACCEPTED, Json(json!({ "readModel": processor.name }))).into_response()
}

async fn resume(State(processor): State<Processor>, body: String) -> axum::response::Response {
    if body == "nonsense" {
        return Problem::of(problem_type::MALFORMED_JSON).into_response();
    }
    if !processor.is_halted {
        return Problem::unavailable("it does not wait for anybody's word.").into_response();
    }
    processor.told.lock().unwrap().push(Value::from(body));
    StatusCode::NO_CONTENT.into_response()
}

async fn discard(
    State(processor): State<Processor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> axum::response::Response {
    if !id.starts_with(&processor.events.to_string()) {
        return Problem::of(problem_type::NOT_FOUND).into_response();
    }
    if body.is_empty() {
        return Problem::of(problem_type::MALFORMED_JSON).into_response();
    }
    let actor = headers["jetbridge-actor"].to_str().unwrap();
    processor.told.lock().unwrap().push(json!({ "body": body, "actor": actor }));
    Json(json!({ "items": [{ "reader": processor.name }] })).into_response()
}

/// A gateway whose processors these are.
struct World {
    gateway: TestService,
    _processors: [Option<TestService>; 2],
}

impl World {
    async fn new(flight: Option<&Processor>, passenger: Option<&Processor>) -> Self {
        let mut processors = [None, None];
        for (at, processor) in [flight, passenger].into_iter().enumerate() {
            if let Some(processor) = processor {
                processors[at] = Some(processor.start().await);
            }
        }
        let addresses = processors.each_ref().map(|processor| processor.as_ref().map(TestService::address));
        let gateway = gateway_of(services_at([nobody().await; 3], addresses), Limits::default()).await;
        Self { gateway, _processors: processors }
    }

    fn api(&self) -> Api {
        self.gateway.api()
    }
}

/// The domains and numbers on a page.
fn summary(items: &Value) -> Vec<(String, u64)> {
    let of = |item: &Value| (item["domain"].as_str().unwrap().to_owned(), item["eventNumber"].as_u64().unwrap());
    items.as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn the_events_of_all_domains_are_one_list_in_pages() {
    for (flights, passengers) in [(3, 4), (4, 0), (0, 3), (2, 2), (0, 0), (4, 1)] {
        let (flight, passenger) = (Processor::with("f", flights), Processor::with("p", passengers));
        let world = World::new(Some(&flight), Some(&passenger)).await;
        let all: Vec<_> = (0..flights)
            .map(|at| ("flight".to_owned(), at as u64))
            .chain((0..passengers).map(|at| ("passenger".to_owned(), at as u64)))
            .collect();
        for path in ["/api/admin/parked", "/api/admin/parked/discarded", "/api/admin/unfinished"] {
            for limit in 1..6 {
                let (mut walked, mut after) = (Vec::new(), String::new());
                loop {
                    let page = world.api().get(&format!("{path}?limit={limit}{after}")).send().await;
                    let page = page.expect(StatusCode::OK).body;
                    assert_eq!(page["total"], all.len());
                    assert_eq!(page["unreachable"], json!([]));
                    walked.extend(summary(&page["items"]));
                    let Some(next) = page["next"].as_str() else { break };
                    assert_eq!(page["items"].as_array().unwrap().len(), limit, "a page before the last is full");
                    after = format!("&after={next}");
                }
                assert_eq!(walked, all, "{flights} and {passengers} in pages of {limit}");
            }
            let whole = world.api().get(path).send().await.expect(StatusCode::OK).body;
            assert_eq!((summary(&whole["items"]), &whole["next"]), (all.clone(), &Value::Null));
        }
    }
}

#[tokio::test]
async fn what_only_the_instance_that_leads_knows_is_listed_whichever_is_asked() {
    let of = |events, leads| Processor { leads, ..Processor::with("f", events) };
    let asked = async |instances: [&Processor; 2], gone: usize| {
        let mut running = vec![instances[0].start().await, instances[1].start().await];
        let addresses: Vec<_> = running.iter().map(|instance| format!("http://{}", instance.address())).collect();
        running.drain(..gone);
        let mut services = services_at([nobody().await; 3], [None, None]);
        services.domains[0].processor = Some(addresses.join(",").parse().unwrap());
        let gateway = gateway_of(services, Limits::default()).await;
        let mut lists = Vec::new();
        // More often than there are instances, which take turns.
        for _ in 0..4 {
            let list = gateway.api().get("/api/admin/unfinished?limit=2").send().await.expect(StatusCode::OK).body;
            assert!(list.get("leads").is_none());
            let lacking: Vec<_> =
                list["unreachable"].as_array().unwrap().iter().map(|one| one["domain"].clone()).collect();
            lists.push((list["total"].as_u64().unwrap(), summary(&list["items"]).len(), lacking));
        }
        assert!(lists.windows(2).all(|pair| pair[0] == pair[1]), "{lists:?}");
        let (total, listed, lacking) = lists.pop().unwrap();
        (total, listed, lacking.contains(&json!("flight")))
    };
    let (leader, standby) = (of(3, Some(true)), of(1, Some(false)));
    assert_eq!(asked([&leader, &standby], 0).await, (3, 2, false));
    assert_eq!(asked([&standby, &leader], 0).await, (3, 2, false));
    // A leader has less as soon as something is done.
    assert_eq!(asked([&standby, &of(0, Some(true))], 0).await, (0, 0, false));
    assert_eq!(asked([&standby, &leader], 1).await, (3, 2, false), "nothing lacks although one is gone");
    assert_eq!(asked([&leader, &standby], 1).await, (1, 1, true), "it may lack something, and says so");
    assert_eq!(asked([&standby, &standby], 0).await, (1, 1, false), "nobody leads at the moment");
    // Those of a release before say nothing of that.
    assert_eq!(asked([&of(1, None), &of(3, None)], 0).await, (3, 2, false));
    assert_eq!(asked([&of(3, None), &of(1, None)], 0).await, (3, 2, false));
}

#[tokio::test]
async fn a_processor_that_cannot_be_asked_is_named() {
    let flight = Processor::with("f", 2);
    let world = World::new(Some(&flight), None).await;
    let page = world.api().get("/api/admin/parked").send().await.expect(StatusCode::OK).body;
    assert_eq!(summary(&page["items"]).len(), 2);
    let detail = "its processor's address is not known to the gateway; set --passenger-processor";
    let not_known = json!({ "domain": "passenger", "detail": detail });
    assert_eq!(page["unreachable"], json!([not_known]));
    let replayed = world.api().post("/api/admin/parked/replay").send().await.expect(StatusCode::OK).body;
    assert_eq!(replayed, json!([{ "domain": "flight", "reader": "f", "replayed": 2 }, not_known]));

    let world = World::new(None, None).await;
    let id = "30000000-0000-0000-0000-000000000000";
    let api = world.api();
    for call in [
        api.get("/api/admin/parked"),
        api.get("/api/admin/parked/discarded"),
        api.get("/api/admin/unfinished"),
        api.post("/api/admin/parked/replay"),
        api.post("/api/admin/reactions/resume"),
        api.post(&format!("/api/admin/parked/{id}/discard")).json(&json!({ "reason": "a test" })),
    ] {
        let problem = call.send().await.expect_problem(503, "unavailable");
        let detail = problem.body["detail"].as_str().unwrap();
        assert!(detail.contains("--flight-processor") && detail.contains("--passenger-processor"), "{detail}");
    }
    let services = services_at([nobody().await; 3], [Some(nobody().await), Some(flight.start().await.address())]);
    let gateway = gateway_of(services, Limits::default()).await;
    let problem = gateway.api().get("/api/admin/parked").send().await.expect_problem(503, "unavailable");
    assert!(problem.text.contains("flight: its processor cannot be reached"), "{}", problem.text);
}

#[tokio::test]
async fn a_discard_finds_the_domain_of_its_event() {
    let (flight, passenger) = (Processor::with("f", 3), Processor::with("p", 4));
    let world = World::new(Some(&flight), Some(&passenger)).await;
    let call = |id: &str| {
        let path = format!("/api/admin/parked/{id}/discard");
        world.api().post(&path).header("jetbridge-actor", "somebody")
    };
    let (id, reason) = ("40000000-0000-0000-0000-000000000000", json!({ "reason": "a test" }));
    let discarded = call(id).json(&reason).send().await.expect(StatusCode::OK).body;
    assert_eq!(discarded, json!({ "items": [{ "domain": "passenger", "reader": "p" }] }));
    assert_eq!(*passenger.told.lock().unwrap(), [json!({ "body": reason.to_string(), "actor": "somebody" })]);
    assert!(flight.told.lock().unwrap().is_empty());

    let shown = world.api().get(&format!("/api/admin/parked/{id}")).send().await.expect(StatusCode::OK).body;
    assert_eq!(shown, json!({ "domain": "passenger", "reader": "p", "data": "{" }));
    let nowhere = world.api().get("/api/admin/parked/50000000-0000-0000-0000-000000000000");
    nowhere.send().await.expect_problem(404, "not-found");

    call(id).send().await.expect_problem(400, "malformed-json");
    call("50000000-0000-0000-0000-000000000000").json(&reason).send().await.expect_problem(404, "not-found");
    call("none").json(&reason).send().await.expect_problem(404, "not-found");

    // It may be in the domain that cannot be asked.
    let world = World::new(Some(&flight), None).await;
    let path = format!("/api/admin/parked/{id}/discard");
    world.api().post(&path).json(&reason).send().await.expect_problem(503, "unavailable");
}

#[tokio::test]
async fn reactions_go_on_in_the_domains_that_wait_for_it() {
    let (flight, passenger) = (Processor::halted("f"), Processor::with("p", 0));
    let world = World::new(Some(&flight), Some(&passenger)).await;
    let resume = |world: &World| world.api().post("/api/admin/reactions/resume");
    let not_waiting = json!({ "domain": "passenger", "detail": "it does not wait for anybody's word." });
    let from = json!({ "from": "end" });
    let resumed = resume(&world).json(&from).send().await.expect(StatusCode::OK).body;
    assert_eq!(resumed, json!([{ "domain": "flight", "resumed": true }, not_waiting]));
    assert_eq!(*flight.told.lock().unwrap(), [Value::from(from.to_string())]);
    // An empty body is passed on as such.
    resume(&world).send().await.expect(StatusCode::OK);
    assert_eq!(flight.told.lock().unwrap()[1], "");
    resume(&world).raw_json("nonsense").send().await.expect_problem(400, "malformed-json");

    let world = World::new(Some(&passenger), Some(&flight)).await;
    let resumed = resume(&world).json(&from).send().await.expect(StatusCode::OK).body;
    assert_eq!(resumed[0], json!({ "domain": "passenger", "resumed": true }));
    let world = World::new(Some(&passenger), Some(&passenger)).await;
    let problem = resume(&world).json(&from).send().await.expect_problem(503, "unavailable");
    assert!(problem.text.contains("flight: it does not wait for anybody's word"), "{}", problem.text);
    let world = World::new(Some(&flight), None).await;
    let resumed = resume(&world).json(&from).send().await.expect(StatusCode::OK).body;
    assert!(resumed[1]["detail"].as_str().unwrap().contains("--passenger-processor"), "{resumed}");
}

#[tokio::test]
async fn a_rebuild_is_asked_of_the_domain_whose_read_model_it_is() {
    let (flight, passenger) = (Processor::with("flights", 0), Processor::with("passengers", 1));
    let world = World::new(Some(&flight), Some(&passenger)).await;
    let path = "/api/admin/rebuild";
    let rebuild = |name: &str| world.api().post(path).json(&json!({ "readModel": name })).send();
    let asked = rebuild("flights").await.expect(StatusCode::ACCEPTED).body;
    assert_eq!(asked, json!({ "readModel": "flights" }));
    rebuild("passengers").await.expect_problem(409, "rebuild-running");
    let problem = rebuild("seats").await.expect_problem(422, "invalid-request");
    assert!(problem.text.contains("must be \\\"flights\\\" or \\\"passengers\\\""), "{}", problem.text);
    world.api().post(path).json(&json!({})).send().await.expect_problem(422, "invalid-request");
    let listed = world.api().get(path).send().await.expect(StatusCode::OK).body;
    let running = json!([{ "readModel": "passengers", "status": "running" }]);
    assert_eq!(listed, json!({ "rebuilds": running, "unreachable": [] }));

    let world = World::new(Some(&flight), None).await;
    let listed = world.api().get(path).send().await.expect(StatusCode::OK).body;
    assert_eq!(listed["unreachable"][0]["domain"], "passenger");
    let passengers = json!({ "readModel": "passengers" });
    world.api().post(path).json(&passengers).send().await.expect_problem(503, "unavailable");
    let world = World::new(None, None).await;
    world.api().get(path).send().await.expect_problem(503, "unavailable");
}

#[tokio::test]
async fn what_is_asked_for_is_checked_and_counted_like_anything_else() {
    let flight = Processor::with("f", 1);
    let world = World::new(Some(&flight), None).await;
    for query in ["limit=0", "limit=1001", "after=x", "after=eyJkb21haW4iOiJubyIsImFmdGVyIjpudWxsfQ", "what=1"] {
        let problem = world.api().get(&format!("/api/admin/parked?{query}")).send().await;
        problem.expect_problem(422, "invalid-request");
    }
    for path in ["/api/admin/parked", "/api/admin/unfinished", "/api/admin/reactions/resume"] {
        world.api().put(path).send().await.expect_problem(405, "method-not-allowed");
    }
    world.api().get("/api/admin/nothing").send().await.expect_problem(404, "not-found");
    let services = services_at([nobody().await; 3], [Some(nobody().await), None]);
    let gateway = gateway_of(services, Limits { in_flight: 0, ..Limits::default() }).await;
    gateway.api().get("/api/admin/parked").send().await.expect_problem(503, "unavailable");
    gateway.api().post("/api/admin/reactions/resume").send().await.expect_problem(503, "unavailable");
}
