//! The event store goes away and comes back.

use std::time::{Duration, Instant};

use jetbridge_testing::{TestEventStore, eventually};

use crate::support::{Appender, FLIGHTS, LIMIT, PASSENGERS, TestApi, names, problem, world};

/// How soon a client has to know that the event store is away, with some room for a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_millis(2_500);

#[tokio::test]
async fn without_the_event_store_answers_say_so_and_soon() {
    let (mut store, api, appender) = world().await;
    appender.append_some(FLIGHTS, 1).await;
    let next = api.page("all").await.next;
    store.stop().await;

    for path in ["flights", "all", "refusals", "passengers?order=newestFirst", "all?from=2026-01-01T00:00:00Z"] {
        let begun = Instant::now();
        let response = api.get(&format!("/api/auditlog/{path}")).send().await.unwrap();
        assert!(begun.elapsed() < ANSWER_LIMIT, "{path} took {:?}", begun.elapsed());
        assert_eq!(response.headers()["retry-after"], "1");
        problem(response, 503, "unavailable").await;
    }
    for query in ["", &format!("?after={next}")] {
        let begun = Instant::now();
        let mut feed = api.follow(query, None).await;
        assert!(begun.elapsed() < ANSWER_LIMIT, "events{query} took {:?}", begun.elapsed());
        feed.problem(503, "unavailable", "1000").await;
    }
    assert_eq!(api.get("/health/ready").send().await.unwrap().status().as_u16(), 503);
    assert_eq!(api.get("/health/live").send().await.unwrap().status().as_u16(), 200);

    store.start_again().await;
    let response = eventually("the list is back", LIMIT, async || {
        let response = api.get(&format!("/api/auditlog/all?after={next}")).send().await.unwrap();
        response.status().is_success().then_some(response)
    });
    response.await;
    eventually("ready again", LIMIT, async || api.get("/health/ready").send().await.unwrap().status().is_success())
        .await;
}

#[tokio::test]
async fn a_follower_stays_connected_and_misses_nothing() {
    let (mut store, api, appender) = world().await;
    let mut feed = api.follow("", None).await;
    appender.append_some(FLIGHTS, 2).await;
    let mut seen = vec![feed.entry().await, feed.entry().await];

    for _ in 0..2 {
        store.stop().await;
        store.start_again().await;
        let appender = Appender::new(&store);
        appender.append_some(PASSENGERS, 3).await;
        appender.append_some("passenger-stream-2", 3).await;
        appender.append_some(FLIGHTS, 1).await;
        for _ in 0..4 {
            seen.push(feed.entry().await);
        }
    }
    assert_eq!(names(&seen), names(&api.whole("all", 100).await));
}

#[tokio::test]
async fn the_service_starts_before_its_event_store() {
    let mut store = TestEventStore::start().await;
    store.stop().await;
    let api = TestApi::start(&store).await;
    api.follow("", None).await.problem(503, "unavailable", "1000").await;
    store.start_again().await;

    let mut feed = eventually("following", LIMIT, async || api.try_to_follow("", None).await).await;
    Appender::new(&store).append_some(FLIGHTS, 1).await;
    assert_eq!(names(&[feed.entry().await]), ["flight-stream/0"]);
}
