//! The event store or PostgreSQL is away for a while: what can go on does, the rest says so soon, and all recovers by
//! itself.

use std::time::{Duration, Instant};

use jetbridge_testing::{Answer, Api, Call, TestDatabase, TestEventStore, TestProxy, eventually};
use reqwest::StatusCode;

use crate::events::Feed;
use crate::history::History;
use crate::system::{LIMIT, System};

/// How long anybody may be kept waiting for a refusal.
const REFUSAL_LIMIT: Duration = Duration::from_secs(2);
/// What the network and a busy machine may add.
const SLACK: Duration = Duration::from_millis(500);
/// How soon everything works again.
const RECOVERY_LIMIT: Duration = Duration::from_secs(15);

/// 503 or, where a command may have got through, 504; within the limit.
async fn assert_refused_soon(call: Call, slugs: &[&str]) -> Answer {
    let begin = Instant::now();
    let answer = call.send().await;
    let took = begin.elapsed();
    assert!(slugs.contains(&answer.slug()), "{answer:?}");
    assert!(took < REFUSAL_LIMIT + SLACK, "{took:?}: {answer:?}");
    answer
}

/// How everything is, for people.
async fn is_up(api: &Api) -> bool {
    api.get("/api/health").send().await.body["status"] == "up"
}

/// A part of it works, and somebody has to look after the rest.
async fn is_degraded(api: &Api) -> bool {
    let health = api.get("/api/health").send().await;
    health.status == StatusCode::OK && health.body["status"] == "degraded"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_event_store_queries_go_on_and_commands_are_refused() {
    let mut event_store = TestEventStore::start().await;
    let system = System::start_with(&["--event-store", event_store.connection_string()]).await;
    let api = system.api();
    let flight = api.new_flight().await;
    let passenger = api.add(&flight, "Ada Lovelace").send().await.expect(StatusCode::CREATED);
    let mut feed = Feed::open(&api, None).await;
    let queries = ["/api/flights".to_owned(), format!("/api/manifests/{flight}"), "/api/passengers".to_owned()];
    let show_all = async || {
        for path in &queries {
            let shown = api.get(path).position(&passenger.position()).send().await;
            shown.expect(StatusCode::OK);
        }
    };
    // Once they show what was done, they go on showing it.
    show_all().await;

    event_store.stop().await;
    let unavailable = &["unavailable"];
    let first = &["unavailable", "outcome-unknown"];
    // The first one may have been under way.
    assert_refused_soon(api.create_flight(), first).await;
    for _ in 0..3 {
        assert_refused_soon(api.create_flight(), unavailable).await;
        assert_refused_soon(api.add(&flight, "Grace Hopper"), first).await;
        assert_refused_soon(api.disembark(&flight), first).await;
        assert_refused_soon(api.get("/api/auditlog/all"), unavailable).await;
        show_all().await;
    }
    assert_refused_soon(api.board(&passenger.id()), first).await;
    eventually("it says that something is wrong", LIMIT, async || is_degraded(&api).await).await;

    event_store.start_again().await;
    eventually("everything works again", RECOVERY_LIMIT, async || is_up(&api).await).await;
    let boarded = eventually("commands are taken again", RECOVERY_LIMIT, async || {
        let answer = api.board(&passenger.id()).send().await;
        if answer.status.is_success() { Ok(answer) } else { Err(answer.text) }
    })
    .await;
    api.disembark(&flight).send().await.expect(StatusCode::OK);
    let landed = api.land(&flight).send().await.expect(StatusCode::OK);
    let shown = api.get(&format!("/api/flights/{flight}")).position(&landed.position()).send().await;
    assert_eq!(shown.expect(StatusCode::OK).body["status"], "arrived");
    assert!(!boarded.position().is_empty());

    // Whoever follows has missed nothing, nor seen anything twice.
    let mut types = Vec::new();
    while types.last().is_none_or(|last| last != "PassengerArrived") {
        types.push(feed.next(|entry| entry.flight() == flight).await.1.event_type);
    }
    let history = History::read(&api).await;
    let told: Vec<_> = history.of_flight(&flight).iter().skip(2).map(|entry| entry.event_type.clone()).collect();
    assert_eq!(types, told);
    let (history, world) = History::settled(&api).await;
    world.assert_shown(&api, &history.position).await;
    assert!(!system.stderr().contains("panicked"), "{}", system.stderr());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_postgresql_commands_go_on_and_queries_are_refused() {
    let database = TestDatabase::create().await;
    let proxy = TestProxy::of_database(&database).await;
    let system = System::start_with(&["--database-url", &database.url_at(&proxy.address().to_string())]).await;
    let api = system.api();
    let flight = api.new_flight().await;
    let before = api.add(&flight, "Ada Lovelace").send().await.expect(StatusCode::CREATED);

    proxy.cut();
    let mut last = String::new();
    for number in 0..20 {
        let added = api.add(&flight, &format!("Passenger {number}")).send().await.expect(StatusCode::CREATED);
        last = added.id();
    }
    let created = api.create_flight().send().await.expect(StatusCode::CREATED);
    for path in ["/api/flights".to_owned(), "/api/passengers".to_owned(), format!("/api/manifests/{flight}")] {
        assert_refused_soon(api.get(&path), &["unavailable"]).await;
        let asked = api.get(&path).position(&before.position()).send().await;
        asked.expect_problem(503, "unavailable");
    }
    let (history, _) = History::settled(&api).await;
    assert!(history.entries.iter().any(|entry| entry.passenger() == Some(last.as_str())));
    eventually("it says that something is wrong", LIMIT, async || is_degraded(&api).await).await;

    proxy.mend();
    eventually("everything works again", RECOVERY_LIMIT, async || is_up(&api).await).await;
    let shown = eventually("queries are answered again", RECOVERY_LIMIT, async || {
        let answer = api.get(&format!("/api/flights/{}", created.id())).position(&created.position()).send().await;
        if answer.status.is_success() { Ok(answer) } else { Err(answer.text) }
    })
    .await;
    assert_eq!(shown.body, created.body);
    let (history, world) = History::settled(&api).await;
    world.assert_shown(&api, &history.position).await;
    assert!(!system.stderr().contains("panicked"), "{}", system.stderr());
}
