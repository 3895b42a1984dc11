//! Paging and polling.

use std::time::Duration;

use eventstore::EventData;
use jetbridge_testing::{TestEventStore, TestProxy};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Appender, FLIGHTS, PASSENGERS, Page, TestApi, append_to_both, event, names, problem, with_passengers, world,
};

#[tokio::test]
async fn an_entry_is_what_is_stored() {
    let (_store, api, appender) = world().await;
    let id = Uuid::new_v4();
    let data = json!({ "flightId": Uuid::nil(), "exact": 18_446_744_073_709_551_615_u64 });
    let created = EventData::json("FlightCreated", &data)
        .and_then(|event| event.id(id).metadata_as_json(&json!({ "$correlationId": "c" })))
        .unwrap();
    appender.append(FLIGHTS, vec![created]).await;

    let mut page = api.page("flights").await;
    let entry = page.items.remove(0);
    let time = entry["created"].as_str().unwrap().to_owned();
    let expected = json!({
        "stream": FLIGHTS,
        "eventNumber": 0,
        "eventId": id,
        "eventType": "FlightCreated",
        "created": time,
        "data": data,
        "metadata": { "$correlationId": "c" },
        "position": "f0",
    });
    assert_eq!(entry, expected);
    let age = jiff::Timestamp::now().duration_since(time.parse().unwrap());
    assert!(age.as_secs() < 60 && time.ends_with('Z'), "{time}");
}

#[tokio::test]
async fn a_list_is_read_in_pages_and_then_polled() {
    let (_store, api, appender) = world().await;
    for list in ["flights", "all"] {
        let empty = api.page(list).await;
        assert!(empty.items.is_empty());
        assert_eq!(api.page_after(list, &empty.next).await.next, empty.next);
    }
    let before = api.page("flights").await.next;
    appender.append_some(FLIGHTS, 5).await;

    assert_eq!(names(&api.page_after("flights", &before).await.items).len(), 5);
    let first = api.page("flights?limit=2").await;
    assert_eq!(names(&first.items), ["flight-stream/0", "flight-stream/1"]);
    let second = api.page(&format!("flights?limit=2&after={}", first.next)).await;
    assert_eq!(names(&second.items), ["flight-stream/2", "flight-stream/3"]);
    let third = api.page(&format!("flights?limit=2&after={}", second.next)).await;
    assert_eq!(names(&third.items), ["flight-stream/4"]);
    let end = api.page_after("flights", &third.next).await;
    assert!(end.items.is_empty());
    assert_eq!(end.next, third.next);

    appender.append_some(FLIGHTS, 1).await;
    assert_eq!(names(&api.page_after("flights", &end.next).await.items), ["flight-stream/5"]);
    assert!(api.page("passengers").await.items.is_empty());
}

#[tokio::test]
async fn all_has_both_streams_in_the_order_of_the_event_store_and_no_other() {
    let (_store, api, appender) = world().await;
    let streams = [FLIGHTS, "flight-stream-2", FLIGHTS, PASSENGERS, "passenger-streams", PASSENGERS, "other", FLIGHTS];
    for stream in streams {
        appender.append_some(stream, 1).await;
    }
    let expected =
        ["flight-stream/0", "flight-stream/1", "passenger-stream/0", "passenger-stream/1", "flight-stream/2"];
    for limit in 1..=6 {
        assert_eq!(names(&api.whole("all", limit).await), expected, "in pages of {limit}");
    }
    assert_eq!(names(&api.whole("passengers", 1).await), ["passenger-stream/0", "passenger-stream/1"]);
}

#[tokio::test]
async fn a_poll_has_what_was_recorded_before_it_and_never_out_of_order() {
    const EVENTS: usize = 60;
    let store = TestEventStore::start().await;
    let api = TestApi::start(&store).await;
    let appending = append_to_both(&store, EVENTS);

    let own = Appender::new(&store);
    let mut page = api.page("all?limit=1000").await;
    let mut seen = names(&page.items);
    for _ in 0..EVENTS {
        let id = Uuid::new_v4();
        own.append(PASSENGERS, vec![event(&json!({})).id(id)]).await;
        page = api.page(&format!("all?limit=1000&after={}", page.next)).await;
        let id = id.to_string();
        assert!(page.items.iter().any(|item| item["eventId"] == id), "the answered append is in the poll");
        seen.extend(names(&page.items));
    }
    for task in appending {
        task.await.unwrap();
    }
    seen.extend(names(&api.page(&format!("all?limit=1000&after={}", page.next)).await.items));
    // Read at rest, the order is that of the event store.
    assert_eq!(seen, names(&api.whole("all", 1000).await));
    assert_eq!(seen.len(), 3 * EVENTS);
}

#[tokio::test]
async fn data_that_is_not_json_does_no_harm() {
    let (_store, api, appender) = world().await;
    for data in ["not json", "", "{\n \"lines\": [1,\r\n2]}"] {
        appender.append(FLIGHTS, vec![EventData::binary("Odd", data.as_bytes().to_vec().into())]).await;
    }
    appender.append(FLIGHTS, vec![EventData::binary("Odd", vec![0xff].into())]).await;
    let items = api.page("flights").await.items;
    let data: Vec<_> = items.iter().map(|item| item["data"].clone()).collect();
    assert_eq!(json!(data), json!(["not json", null, { "lines": [1, 2] }, null]));
    assert!(items.iter().all(|item| item["metadata"].is_null()));

    let mut feed = api.follow(&format!("?after={}", api.page("all?limit=1").await.next), None).await;
    feed.entry().await;
    assert_eq!(feed.entry().await["data"], json!({ "lines": [1, 2] }));
}

#[tokio::test]
async fn cursors_belong_to_one_list() {
    let (_store, api, appender) = world().await;
    appender.append_some(FLIGHTS, 1).await;
    let lists = ["flights", "passengers", "all"];
    for list in lists {
        let next = api.page(list).await.next;
        for other in lists.into_iter().filter(|other| *other != list) {
            let response = api.get(&format!("/api/auditlog/{other}?after={next}")).send().await.unwrap();
            let body = problem(response, 422, "invalid-request").await;
            assert_eq!(body["errors"][0]["parameter"], "after");
        }
    }
    for garbage in ["", "x", "e30", "eyJmMSI6OTIyMzM3MjAzNjg1NDc3NTgwN30", "eyJmMSI6MTg0NDY3NDQwNzM3MDk1NTE2MTV9"] {
        let response = api.get(&format!("/api/auditlog/flights?after={garbage}")).send().await.unwrap();
        problem(response, 422, "invalid-request").await;
    }
}

#[tokio::test]
async fn a_cursor_of_another_event_store_is_refused() {
    let [(_store, api), (_fresh, other)] = [with_passengers(2).await, with_passengers(1).await];
    for list in ["passengers", "all"] {
        let next = api.page(list).await.next;
        let response = other.get(&format!("/api/auditlog/{list}?after={next}")).send().await.unwrap();
        let body = problem(response, 422, "invalid-request").await;
        assert!(body["detail"].as_str().unwrap().contains("beyond the end"), "{body}");
    }
}

#[tokio::test]
async fn queries_out_of_bounds_are_refused() {
    let store = TestEventStore::start().await;
    let api = TestApi::start(&store).await;
    for query in ["limit=0", "limit=1001", "limit=ten", "limit=-1", "flightId=x", "passengerId=1", "other=1"] {
        let response = api.get(&format!("/api/auditlog/all?{query}")).send().await.unwrap();
        let body = problem(response, 422, "invalid-request").await;
        assert_eq!(body["errors"][0]["parameter"], query.split('=').next().unwrap());
    }
    assert!(api.page("all?limit=1000").await.items.is_empty());
    problem(api.get("/api/auditlog/none").send().await.unwrap(), 404, "not-found").await;
}

#[tokio::test]
async fn a_page_has_a_hundred_entries_unless_told_otherwise() {
    let (_store, api, appender) = world().await;
    appender.append(FLIGHTS, (0..101).map(|_| event(&json!({}))).collect()).await;
    for list in ["flights", "all"] {
        let page = api.page(list).await;
        assert_eq!(page.items.len(), 100);
        assert_eq!(api.page_after(list, &page.next).await.items.len(), 1);
    }
}

#[tokio::test]
async fn entries_are_filtered_by_what_they_are_about() {
    let (_store, api, appender) = world().await;
    let (flight, passenger) = (Uuid::now_v7(), Uuid::now_v7());
    appender.append(FLIGHTS, vec![EventData::json("FlightCreated", &json!({ "flightId": flight })).unwrap()]).await;
    appender.append(PASSENGERS, (0..600).map(|_| event(&json!({}))).collect()).await;
    let data = json!({ "flightId": flight, "passengerId": passenger });
    for event_type in ["PassengerCheckedIn", "PassengerBoarded"] {
        appender.append(PASSENGERS, vec![EventData::json(event_type, &data).unwrap()]).await;
    }
    let all = ["flight-stream/0", "passenger-stream/600", "passenger-stream/601"];
    assert_eq!(names(&api.page(&format!("all?flightId={flight}")).await.items), all);
    assert_eq!(names(&api.page(&format!("passengers?passengerId={passenger}")).await.items), all[1..]);
    assert_eq!(names(&api.page("all?eventType=PassengerBoarded").await.items), all[2..]);
    let none = api.page(&format!("all?flightId={passenger}")).await;
    assert!(none.items.is_empty());
    assert_eq!(none.position, "f0.p601", "the cursor moves past what is left out");
    assert_eq!(api.page_after("all", &none.next).await.next, none.next);

    let one = api.page(&format!("all?limit=1&flightId={flight}")).await;
    assert_eq!((names(&one.items), one.position.as_str()), (vec![all[0].to_owned()], "f0"));
    let two = api.page(&format!("all?limit=1&flightId={flight}&after={}", one.next)).await;
    assert_eq!(names(&two.items), all[1..2]);
}

#[tokio::test]
async fn the_position_says_what_has_been_delivered() {
    let (_store, api, appender) = world().await;
    assert_eq!(api.page("all").await.position, "0");
    appender.append_some(FLIGHTS, 2).await;
    appender.append_some(PASSENGERS, 2).await;
    assert_eq!(api.page("flights").await.position, "f1");
    assert_eq!(api.page("passengers").await.position, "p1");
    assert_eq!(api.page("all").await.position, "f1.p1");
    assert_eq!(api.page("all?limit=1").await.position, "f0");
    assert_eq!(api.page("all?limit=3").await.position, "f1.p0");

    let with_position = |list: &str, position: &str| {
        api.get(&format!("/api/auditlog/{list}")).header("Jetbridge-Position", position).send()
    };
    let page = Page::of(with_position("flights", "f0.p7").await.unwrap()).await;
    assert_eq!(page.position, "f1.p7", "at the end the answer is as new as anything the client has seen");
    let page = Page::of(with_position("flights?limit=1", "f1.p1").await.unwrap()).await;
    assert_eq!(page.position, "f0", "before the end it is not");
    let response = with_position("flights", "f2").await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    problem(response, 503, "not-yet").await;
}

#[tokio::test]
async fn an_entry_has_the_position_that_covers_it() {
    let (_store, api, appender) = world().await;
    let beginning = api.page("all").await.next;
    for stream in [FLIGHTS, PASSENGERS, PASSENGERS, FLIGHTS] {
        appender.append_some(stream, 1).await;
    }
    let positions = |items: &[Value]| items.iter().map(|item| item["position"].clone()).collect::<Vec<_>>();
    let expected = ["f0", "p0", "p1", "f1"];
    assert_eq!(positions(&api.page("all").await.items), expected);
    assert_eq!(positions(&api.page("passengers").await.items), expected[1..3]);
    let mut feed = api.follow(&format!("?after={beginning}"), None).await;
    for position in expected {
        assert_eq!(feed.entry().await["position"], position);
    }
    appender.append_some(PASSENGERS, 1).await;
    assert_eq!(feed.entry().await["position"], "p2", "live as well");
}

#[tokio::test]
async fn a_poll_without_news_does_not_read_the_log_again() {
    let store = TestEventStore::start().await;
    let proxy = TestProxy::start(store.address()).await;
    let api = TestApi::start_with(&proxy.connection_string(), 1).await;
    let appender = Appender::new(&store);
    let mut sent = Vec::new();
    for events in [10, 900] {
        for stream in [FLIGHTS, PASSENGERS, "other"] {
            appender.append(stream, (0..events).map(|_| event(&json!({ "text": "x".repeat(200) }))).collect()).await;
        }
        for list in ["flights", "all"] {
            let mut page = api.page(&format!("{list}?limit=1000")).await;
            while !page.items.is_empty() {
                page = api.page(&format!("{list}?limit=1000&after={}", page.next)).await;
            }
            let before = proxy.bytes_answered();
            for _ in 0..10 {
                assert!(api.page_after(list, &page.next).await.items.is_empty());
            }
            sent.push((proxy.bytes_answered() - before) / 10);
        }
    }
    // Two of the events above, and what belongs to the protocol.
    assert!(sent.iter().all(|bytes| *bytes < 3_000), "bytes for each poll: {sent:?}");
}

#[tokio::test]
async fn health_says_that_the_event_store_answers() {
    let store = TestEventStore::start().await;
    let api = TestApi::start(&store).await;
    let response = api.get("/health/ready").timeout(Duration::from_secs(5)).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["checks"][0], json!({ "name": "event-store", "status": "up" }));
}
