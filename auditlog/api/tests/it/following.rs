//! Following a part of the log, and what a follower is told who cannot follow.

use std::time::Duration;

use eventstore::EventData;
use jetbridge_testing::TestEventStore;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{FLIGHTS, PASSENGERS, Sse, TestApi, event, name, problem, world};

fn about(event_type: &str, data: &Value, actor: &str) -> Vec<EventData> {
    let event = EventData::json(event_type, data).unwrap().id(Uuid::new_v4());
    vec![event.metadata_as_json(&json!({ "actor": actor })).unwrap()]
}

#[tokio::test]
async fn a_follower_gets_only_what_it_asks_for() {
    let (_store, api, appender) = world().await;
    let (flight, passenger) = (Uuid::now_v7(), Uuid::now_v7());
    let both = json!({ "flightId": flight, "passengerId": passenger });
    let beginning = api.page("all").await.next;
    let queries = [
        (format!("flightId={flight}"), vec!["passenger-stream/0", "passenger-stream/2", "flight-stream/1"]),
        (format!("passengerId={passenger}"), vec!["passenger-stream/0", "passenger-stream/2"]),
        ("eventType=Boarded&actor=gate".to_owned(), vec!["passenger-stream/2"]),
        (format!("actor=desk&flightId={flight}"), vec!["passenger-stream/0", "flight-stream/1"]),
    ];
    let mut live = Vec::new();
    for (query, _) in &queries {
        live.push(api.follow(&format!("?{query}"), None).await);
    }
    appender.append(PASSENGERS, about("CheckedIn", &both, "desk")).await;
    appender.append(FLIGHTS, about("Created", &json!({ "flightId": Uuid::now_v7() }), "desk")).await;
    appender.append(PASSENGERS, about("Boarded", &json!({ "flightId": Uuid::now_v7() }), "desk")).await;
    appender.append(PASSENGERS, about("Boarded", &both, "gate")).await;
    appender.append(FLIGHTS, about("Departed", &json!({ "flightId": flight }), "desk")).await;
    for ((query, expected), mut live) in queries.into_iter().zip(live) {
        let mut again = api.follow(&format!("?{query}&after={beginning}"), None).await;
        for name_of_next in expected {
            let message = live.entry_message().await;
            assert_eq!(name(&message.entry()), name_of_next, "{query}");
            assert_eq!(again.entry_message().await, message, "{query}: the same from the past");
        }
    }
}

/// What a client gets on each of its connections: the last id that it was told, and whether an entry came with it.
async fn told(feed: &mut Sse) -> (String, bool) {
    let message = feed.message().await.unwrap();
    (message.id.unwrap(), message.data.is_some())
}

#[tokio::test]
async fn a_follower_gets_to_know_how_far_it_has_come_past_what_it_does_not_want() {
    let (_store, api, appender) = world().await;
    let beginning = api.page("all").await.next;
    for _ in 0..5 {
        appender.append(PASSENGERS, (0..100).map(|_| event(&json!({}))).collect()).await;
    }
    let mut feed = api.follow(&format!("?eventType=Rare&after={beginning}"), None).await;
    assert_eq!(told(&mut feed).await, (beginning, false));
    let (far, has_data) = told(&mut feed).await;
    assert!(!has_data);
    assert_eq!(name(&api.page_after("all", &far).await.items[0]), "passenger-stream/100", "the id is a cursor");

    // Whoever comes back goes on from there.
    drop(feed);
    let mut feed = api.follow("?eventType=Rare", Some(&far)).await;
    assert_eq!(feed.position.as_deref(), Some("p99"));
    for _ in 0..5 {
        told(&mut feed).await;
    }
    // A few that it does not want are told of after a while.
    appender.append_some(FLIGHTS, 1).await;
    assert_eq!(told(&mut feed).await, (api.page("all?limit=1000").await.next, false));
    assert!(feed.is_silent(Duration::from_millis(100)).await, "nothing new, nothing told");
    appender.append(FLIGHTS, about("Rare", &json!({}), "desk")).await;
    assert_eq!(name(&feed.entry().await), "flight-stream/1");
}

#[tokio::test]
async fn the_last_event_id_may_stand_in_the_query() {
    let (_store, api, appender) = world().await;
    let mut cursors = vec![api.page("all").await.next];
    for _ in 0..3 {
        appender.append_some(FLIGHTS, 1).await;
        cursors.push(api.page("all").await.next);
    }
    let [first, second, third, _] = &cursors[..] else { panic!("four cursors") };
    for (query, header, next) in [
        (format!("?lastEventId={second}"), None, 1),
        (format!("?after={first}&lastEventId={second}"), None, 1),
        (format!("?lastEventId=&after={third}"), None, 2),
        (format!("?lastEventId={first}&after=x"), Some(third.as_str()), 2),
        (format!("?after={first}&&lastEventId={third}"), Some(""), 2),
        (format!("?after={second}"), Some(first.as_str()), 0),
    ] {
        let mut feed = api.follow(&query, header).await;
        assert_eq!(name(&feed.entry().await), format!("flight-stream/{next}"), "{query} {header:?}");
    }
}

#[tokio::test]
async fn what_is_not_a_cursor_of_the_whole_log_is_told_in_the_stream() {
    let (_store, api, appender) = world().await;
    appender.append_some(FLIGHTS, 1).await;
    let flights = api.page("flights").await.next;
    // {"a1":[7,null]}
    let beyond = "eyJhMSI6WzcsbnVsbF19";
    for cursor in ["x", &flights, beyond] {
        api.follow("", Some(cursor)).await.problem(400, "malformed-header", "30000").await;
        for parameter in ["after", "lastEventId"] {
            let mut feed = api.follow(&format!("?{parameter}={cursor}"), None).await;
            let told = feed.problem(422, "invalid-request", "30000").await;
            assert_eq!(told["errors"][0]["parameter"], parameter);
        }
    }
    api.follow("?after=", None).await.problem(422, "invalid-request", "30000").await;
    let malformed = api.get("/api/auditlog/events").header("Last-Event-ID", &b"\xff"[..]).send().await.unwrap();
    Sse::of(malformed).problem(400, "malformed-header", "30000").await;
}

#[tokio::test]
async fn a_query_that_no_log_has_is_refused() {
    let store = TestEventStore::start().await;
    let api = TestApi::start(&store).await;
    for (query, parameter) in [
        ("limit=1", "limit"),
        ("order=newestFirst", "order"),
        ("from=2026-01-01T00:00:00Z", "from"),
        ("flightId=7", "flightId"),
        ("actor=", "actor"),
        ("lastEventId=a&lastEventId=b", "lastEventId"),
        ("after=a&after=b", "after"),
    ] {
        let response = api.request_to_follow(&format!("?{query}"), None).send().await.unwrap();
        assert_eq!(problem(response, 422, "invalid-request").await["errors"][0]["parameter"], parameter);
    }
}
