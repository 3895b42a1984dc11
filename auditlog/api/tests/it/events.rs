//! Following the log with server-sent events.

use std::time::Duration;

use eventstore::EventData;
use jetbridge_testing::{TestEventStore, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    FLIGHTS, LIMIT, Message, PASSENGERS, Sse, TestApi, append_to_both, event, name, names, problem, world,
};

#[tokio::test]
async fn a_follower_sees_what_happens_from_now_on() {
    let (_store, api, appender) = world().await;
    appender.append_some(FLIGHTS, 3).await;

    let mut feed = api.follow("", None).await;
    assert_eq!(feed.position.as_deref(), Some("f2"));
    let head = feed.message().await.unwrap();
    let expected =
        Message { id: Some(api.page("all").await.next), retry: Some("1000".to_owned()), ..Message::default() };
    assert_eq!(head, expected, "the first message tells only where to resume");

    for stream in [PASSENGERS, "passenger-stream-2", FLIGHTS, "other"] {
        appender.append_some(stream, 1).await;
    }
    let (first, second) = (feed.entry_message().await, feed.entry_message().await);
    assert_eq!([name(&first.entry()), name(&second.entry())], ["passenger-stream/0", "flight-stream/3"]);
    assert_eq!((&second.event, &second.retry), (&None, &None));

    let listed = api.page_after("all", head.id.as_deref().unwrap()).await;
    assert_eq!(listed.items, [first.entry(), second.entry()]);
    assert_eq!(second.id, Some(listed.next), "an event's id is the cursor behind it");
    assert_eq!(names(&api.page_after("all", first.id.as_deref().unwrap()).await.items), ["flight-stream/3"]);
    assert!(feed.is_silent(Duration::from_millis(100)).await);
}

#[tokio::test]
async fn a_follower_resumes_without_gap_or_repetition_while_events_come_in() {
    const EVENTS: usize = 150;
    let store = TestEventStore::start().await;
    let api = TestApi::start(&store).await;
    let first = api.follow("", None).await.message().await.unwrap();
    let appending = append_to_both(&store, EVENTS);

    let mut last_event_id = first.id.unwrap();
    let mut seen: Vec<Value> = Vec::new();
    // Each connection takes a few more entries than the one before, then breaks.
    for entries in 1.. {
        let mut feed = api.follow("", Some(&last_event_id)).await;
        for _ in 0..entries.min(2 * EVENTS - seen.len()) {
            let message = feed.entry_message().await;
            seen.push(message.entry());
            last_event_id = message.id.unwrap();
        }
        if seen.len() == 2 * EVENTS {
            break;
        }
    }
    for task in appending {
        task.await.unwrap();
    }
    assert_eq!(names(&seen), names(&api.whole("all", 1000).await));
}

#[tokio::test]
async fn a_follower_can_start_in_the_past() {
    let (_store, api, appender) = world().await;
    let beginning = api.page("all").await.next;
    appender.append(FLIGHTS, (0..250).map(|_| event(&json!({}))).collect()).await;
    appender.append_some(PASSENGERS, 2).await;
    let middle = api.page("all?limit=200").await.next;

    let mut whole = api.follow(&format!("?after={beginning}"), None).await;
    let mut seen = Vec::new();
    for _ in 0..252 {
        seen.push(whole.entry().await);
    }
    assert_eq!(names(&seen), names(&api.whole("all", 1000).await));

    let mut rest = api.follow(&format!("?after={beginning}"), Some(&middle)).await;
    assert_eq!(name(&rest.entry().await), "flight-stream/200", "Last-Event-ID is newer than the query");
    let mut empty = api.follow(&format!("?after={middle}"), Some("")).await;
    assert_eq!(name(&empty.entry().await), "flight-stream/200", "an empty Last-Event-ID says nothing");

    appender.append_some(PASSENGERS, 1).await;
    assert_eq!(name(&whole.entry().await), "passenger-stream/2");
}

#[tokio::test]
async fn a_follower_can_start_where_what_it_has_read_ends() {
    let (_store, api, appender) = world().await;
    for stream in [FLIGHTS, PASSENGERS, FLIGHTS, PASSENGERS] {
        appender.append_some(stream, 1).await;
    }
    let request = api.request_to_follow("", None).header("jetbridge-position", "f0, p0");
    let mut feed = Sse::of(request.send().await.unwrap());
    let (first, second) = (feed.entry_message().await, feed.entry_message().await);
    assert_eq!([name(&first.entry()), name(&second.entry())], ["flight-stream/1", "passenger-stream/1"]);

    let resumed = api.request_to_follow("", first.id.as_deref()).header("jetbridge-position", "f0, p0");
    let mut feed = Sse::of(resumed.send().await.unwrap());
    assert_eq!(name(&feed.entry_message().await.entry()), "passenger-stream/1", "what was followed counts");

    let beyond = api.request_to_follow("", None).header("jetbridge-position", "f7").send().await.unwrap();
    let problem = Sse::of(beyond).problem(422, "invalid-request", "30000").await;
    assert_eq!(problem["errors"][0]["parameter"], "Jetbridge-Position");
}

#[tokio::test]
async fn followers_are_limited() {
    let store = TestEventStore::start().await;
    let api = TestApi::start_with(store.connection_string(), 2).await;
    let feeds = (api.follow("", None).await, api.follow("", None).await);
    api.follow("", None).await.problem(503, "unavailable", "5000").await;
    assert!(api.page("all").await.items.is_empty());

    drop(feeds);
    let mut feed = eventually("room for another", LIMIT, async || api.try_to_follow("", None).await).await;
    assert!(feed.message().await.is_some());
}

#[tokio::test]
async fn the_end_of_the_service_ends_the_stream() {
    let store = TestEventStore::start().await;
    let api = TestApi::start(&store).await;
    let mut feed = api.follow("", None).await;
    assert!(feed.message().await.is_some());
    let (end, ()) = tokio::join!(feed.message(), api.service.stop());
    assert_eq!(end, None);
}

#[tokio::test]
async fn a_change_says_that_something_has_happened_and_nothing_else() {
    let (_store, api, appender) = world().await;
    let (flight, passenger) = (Uuid::now_v7(), Uuid::now_v7());
    let data = json!({ "flightId": flight, "passengerId": passenger, "name": "Ada", "a note": flight, "said": flight });
    let secret = EventData::json("PassengerCheckedIn", &data).unwrap().id(Uuid::new_v4());
    let about_it = format!("?flightId={flight}");
    let follow = async |query: &str, last_event_id: Option<&str>| {
        let request = api.get(&format!("/api/changes{query}"));
        let request = last_event_id.into_iter().fold(request, |request, id| request.header("Last-Event-ID", id));
        Sse::of(request.send().await.unwrap())
    };
    let (mut all, mut some) = (api.follow("", None).await, follow(&about_it, None).await);
    let beginning = some.message().await.unwrap().id.unwrap();
    appender.append_some(FLIGHTS, 1).await;
    appender.append(PASSENGERS, vec![secret.metadata_as_json(&json!({ "actor": "desk" })).unwrap()]).await;

    let (_, entry) = (all.entry_message().await, all.entry_message().await);
    let change = some.entry_message().await;
    let expected = json!({
        "stream": PASSENGERS, "type": "PassengerCheckedIn", "time": entry.entry()["created"], "position": "p0",
        "flightId": flight, "passengerId": passenger,
    });
    assert_eq!((change.entry(), &change.id), (expected, &entry.id));
    let again = follow(&about_it, Some(&beginning)).await.entry_message().await;
    assert_eq!(again, change, "the same from the past, behind the same cursor");
    follow("", Some("x")).await.problem(400, "malformed-header", "30000").await;
    for (query, parameter) in [("actor=desk", "actor"), ("eventType=X", "eventType"), ("limit=1", "limit")] {
        let response = api.get(&format!("/api/changes?{query}")).send().await.unwrap();
        assert_eq!(problem(response, 422, "invalid-request").await["errors"][0]["parameter"], parameter);
    }
}
