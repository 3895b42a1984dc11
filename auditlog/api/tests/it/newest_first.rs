//! The lists, read from the end of the log.

use eventstore::EventData;
use jetbridge_testing::TestEventStore;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Appender, FLIGHTS, PASSENGERS, TestApi, event, names, problem, with_passengers, world};

struct Down {
    items: Vec<Value>,
    next: Option<String>,
    position: String,
}

impl Down {
    async fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        let position = response.headers()["jetbridge-position"].to_str().unwrap().to_owned();
        let mut body: Value = response.json().await.unwrap();
        let Value::Array(items) = body["items"].take() else { panic!("items is a list") };
        Self { items, next: body["next"].as_str().map(str::to_owned), position }
    }

    fn names(&self) -> Vec<String> {
        names(&self.items)
    }
}

/// A page of a list, newest first.
async fn page(api: &TestApi, list: &str, query: &str) -> Down {
    Down::of(api.get(&format!("/api/auditlog/{list}?order=newestFirst&{query}")).send().await.unwrap()).await
}

/// All pages, from this cursor on or from the end of the log. All have the same position.
async fn walk(api: &TestApi, list: &str, query: &str, mut after: Option<String>) -> Vec<Down> {
    let mut pages: Vec<Down> = Vec::new();
    loop {
        let from = after.map(|cursor| format!("&after={cursor}")).unwrap_or_default();
        let down = page(api, list, &format!("{query}{from}")).await;
        if let Some(first) = pages.first() {
            assert_eq!(down.position, first.position);
        }
        after = down.next.clone();
        pages.push(down);
        if after.is_none() {
            return pages;
        }
    }
}

fn names_of(pages: &[Down]) -> Vec<String> {
    pages.iter().flat_map(Down::names).collect()
}

fn reversed(mut names: Vec<String>) -> Vec<String> {
    names.reverse();
    names
}

#[tokio::test]
async fn a_list_is_read_from_its_end_to_its_beginning() {
    let (_store, api, appender) = world().await;
    for list in ["flights", "passengers", "all"] {
        let empty = page(&api, list, "").await;
        assert_eq!((empty.names(), empty.next, empty.position.as_str()), (Vec::new(), None, "0"));
    }
    let streams = [FLIGHTS, "other", PASSENGERS, PASSENGERS, "flight-stream-2", FLIGHTS, PASSENGERS, FLIGHTS, FLIGHTS];
    for stream in streams {
        appender.append_some(stream, 1).await;
    }
    for (list, count, position) in [("flights", 4_usize, "f3"), ("passengers", 3, "p2"), ("all", 7, "f3.p2")] {
        let expected = reversed(names(&api.whole(list, 100).await));
        assert_eq!(expected.len(), count);
        for limit in 1..=count + 1 {
            let pages = walk(&api, list, &format!("limit={limit}"), None).await;
            assert_eq!(names_of(&pages), expected, "{list} in pages of {limit}");
            assert_eq!(pages.len(), count.div_ceil(limit), "no page is empty");
            assert!(pages.iter().all(|page| page.position == position));
        }
    }
    let oldest_first = api.page("all?order=oldestFirst").await;
    assert_eq!(oldest_first.next, api.page("all").await.next);
}

#[tokio::test]
async fn only_one_of_the_streams_may_have_events() {
    for stream in [FLIGHTS, PASSENGERS] {
        let store = TestEventStore::start().await;
        let (api, appender) = (TestApi::start(&store).await, Appender::new(&store));
        appender.append_some(stream, 3).await;
        let pages = walk(&api, "all", "limit=2", None).await;
        assert_eq!(names_of(&pages), [2, 1, 0].map(|number| format!("{stream}/{number}")));
    }
}

/// What is recorded after the first page is on no later one, not even of a stream that no page has shown yet.
#[tokio::test]
async fn what_is_recorded_later_does_not_disturb_a_walk_to_the_beginning() {
    let (_store, api, appender) = world().await;
    appender.append_some(PASSENGERS, 2).await;
    appender.append_some(FLIGHTS, 5).await;
    let first = page(&api, "all", "limit=3").await;
    assert_eq!(first.names(), ["flight-stream/4", "flight-stream/3", "flight-stream/2"]);
    for stream in [PASSENGERS, FLIGHTS, PASSENGERS] {
        appender.append_some(stream, 2).await;
    }
    for limit in 1..=5 {
        let rest = walk(&api, "all", &format!("limit={limit}"), first.next.clone()).await;
        let expected = ["flight-stream/1", "flight-stream/0", "passenger-stream/1", "passenger-stream/0"];
        assert_eq!(names_of(&rest), expected, "in pages of {limit}");
        assert_eq!(rest[0].position, first.position);
    }
    assert_eq!(page(&api, "all", "limit=1").await.names(), ["passenger-stream/5"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_is_complete_and_in_order_while_events_are_recorded() {
    const WALKS: usize = 150;
    let store = TestEventStore::start().await;
    let api = TestApi::start(&store).await;
    let appending = [FLIGHTS, PASSENGERS].map(|stream| {
        let appender = Appender::new(&store);
        tokio::spawn(async move {
            loop {
                appender.append_some(stream, 1).await;
            }
        })
    });
    let own = Appender::new(&store);
    let mut walks = Vec::new();
    for number in 0..WALKS {
        let id = Uuid::new_v4();
        own.append([FLIGHTS, PASSENGERS][number % 2], vec![event(&json!({})).id(id)]).await;
        let mut down = page(&api, "all", &format!("limit={}", 10 + number % 7)).await;
        let mut walked = down.items;
        for limit in [1, 7, 2] {
            let Some(next) = down.next else { break };
            down = page(&api, "all", &format!("limit={limit}&after={next}")).await;
            walked.append(&mut down.items);
        }
        walks.push((id.to_string(), reversed(names(&walked))));
    }
    for task in appending {
        task.abort();
    }
    // Read at rest, the order is that of the event store.
    let entries = api.whole("all", 1000).await;
    let whole = names(&entries);
    for (own, walked) in walks {
        let end = whole.iter().position(|name| Some(name) == walked.last()).unwrap() + 1;
        assert_eq!(walked, whole[end - walked.len()..end], "nothing is left out");
        assert!(entries[..end].iter().any(|entry| entry["eventId"] == own), "the answered append is reflected");
    }
}

#[tokio::test]
async fn cursors_belong_to_one_list_and_order() {
    let (_store, api, appender) = world().await;
    for stream in [FLIGHTS, PASSENGERS] {
        appender.append_some(stream, 2).await;
    }
    let refused = async |path: String| {
        let body = problem(api.get(&path).send().await.unwrap(), 422, "invalid-request").await;
        assert_eq!(body["errors"][0]["parameter"], "after", "{path}");
    };
    let lists = ["flights", "passengers", "all"];
    for list in lists {
        let down = page(&api, list, "limit=1").await.next.unwrap();
        let up = api.page(list).await.next;
        refused(format!("/api/auditlog/{list}?after={down}")).await;
        refused(format!("/api/auditlog/{list}?order=oldestFirst&after={down}")).await;
        refused(format!("/api/auditlog/{list}?order=newestFirst&after={up}")).await;
        let told = api.follow(&format!("?after={down}"), None).await.problem(422, "invalid-request", "30000").await;
        assert_eq!(told["errors"][0]["parameter"], "after");
        for other in lists.into_iter().filter(|other| *other != list) {
            refused(format!("/api/auditlog/{other}?order=newestFirst&after={down}")).await;
        }
        api.follow("", Some(&down)).await.problem(400, "malformed-header", "30000").await;
    }
    // {"fn1":[0,1]}, {"fn1":[9223372036854775807,0]}, {"an1":[[1,null],[0,0]]}: places that no walk comes to.
    for (list, cursor) in [
        ("flights", "eyJmbjEiOlswLDFdfQ"),
        ("flights", "eyJmbjEiOls5MjIzMzcyMDM2ODU0Nzc1ODA3LDBdfQ"),
        ("all", "eyJhbjEiOltbMSxudWxsXSxbMCwwXV19"),
        ("flights", ""),
        ("flights", "x"),
    ] {
        refused(format!("/api/auditlog/{list}?order=newestFirst&after={cursor}")).await;
    }
    for order in ["", "newest", "newestFirst,oldestFirst"] {
        let response = api.get(&format!("/api/auditlog/all?order={order}")).send().await.unwrap();
        let body = problem(response, 422, "invalid-request").await;
        let fault = json!({ "parameter": "order", "detail": "must be one of oldestFirst, newestFirst" });
        assert_eq!(body["errors"], json!([fault]));
    }
}

#[tokio::test]
async fn a_cursor_of_another_event_store_is_refused() {
    let [(_store, api), (_fresh, other)] = [with_passengers(3).await, with_passengers(1).await];
    for list in ["passengers", "all"] {
        let next = page(&api, list, "limit=1").await.next.unwrap();
        let path = format!("/api/auditlog/{list}?order=newestFirst&after={next}");
        let body = problem(other.get(&path).send().await.unwrap(), 422, "invalid-request").await;
        assert!(body["detail"].as_str().unwrap().contains("beyond the end"), "{body}");
    }
}

#[tokio::test]
async fn entries_are_filtered_by_what_they_are_about() {
    let (_store, api, appender) = world().await;
    let flight = Uuid::now_v7();
    let about = |event_type: &str| vec![EventData::json(event_type, &json!({ "flightId": flight })).unwrap()];
    appender.append(FLIGHTS, about("FlightCreated")).await;
    appender.append(PASSENGERS, (0..600).map(|_| event(&json!({}))).collect()).await;
    for event_type in ["PassengerCheckedIn", "PassengerBoarded"] {
        appender.append(PASSENGERS, about(event_type)).await;
    }
    appender.append_some(FLIGHTS, 1).await;
    let all = ["passenger-stream/601", "passenger-stream/600", "flight-stream/0"];
    for limit in 1..=4 {
        let pages = walk(&api, "all", &format!("limit={limit}&flightId={flight}"), None).await;
        assert_eq!(names_of(&pages), all, "{limit}");
        assert_eq!(pages[0].position, "f1.p601");
    }
    let pages = walk(&api, "passengers", "eventType=PassengerCheckedIn", None).await;
    assert_eq!(names_of(&pages), all[1..2]);
}

#[tokio::test]
async fn a_search_ends_with_what_it_has_found_so_far_and_goes_on_from_there() {
    let (_store, api, appender) = world().await;
    appender.append(FLIGHTS, vec![EventData::json("FlightCreated", &json!({})).unwrap()]).await;
    for _ in 0..11 {
        appender.append(PASSENGERS, (0..1_000).map(|_| event(&json!({}))).collect()).await;
    }
    let pages = walk(&api, "all", "eventType=FlightCreated", None).await;
    assert_eq!(names_of(&pages), ["flight-stream/0"]);
    assert!(pages.len() > 1 && pages[0].items.is_empty(), "no answer looks at more than ten thousand");
}

#[tokio::test]
async fn the_position_says_what_the_first_page_reflects() {
    let (_store, api, appender) = world().await;
    appender.append_some(FLIGHTS, 2).await;
    appender.append_some(PASSENGERS, 2).await;
    let with_position = |list: &str, position: &str| {
        api.get(&format!("/api/auditlog/{list}order=newestFirst")).header("Jetbridge-Position", position).send()
    };
    for (list, asked, position) in [
        ("all?limit=1&", "f1", "f1.p1"),
        ("all?", "p1, f0", "f1.p1"),
        ("flights?limit=1&", "f0.p7", "f1.p7"),
        ("passengers?", "0", "p1"),
    ] {
        assert_eq!(Down::of(with_position(list, asked).await.unwrap()).await.position, position, "{list}");
    }
    for (list, asked) in [("all?", "f2"), ("all?limit=1&", "p2"), ("flights?", "f2"), ("passengers?", "f0.p2")] {
        let response = with_position(list, asked).await.unwrap();
        assert!(response.headers().contains_key("retry-after"));
        problem(response, 503, "not-yet").await;
    }
    // The next page is of what was recorded before, whatever its reader has seen since.
    let next = page(&api, "all", "limit=1").await.next.unwrap();
    appender.append_some(FLIGHTS, 1).await;
    let second = Down::of(with_position(&format!("all?limit=1&after={next}&"), "f2.p1").await.unwrap()).await;
    assert_eq!((second.names(), second.position.as_str()), (vec!["passenger-stream/0".to_owned()], "f1.p1"));
}
