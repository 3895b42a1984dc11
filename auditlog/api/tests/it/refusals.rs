//! The list of refused commands.

use std::time::Duration;

use eventstore::EventData;
use jetbridge_testing::eventually;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{LIMIT, Page, names, problem, with_passengers, world};

const REFUSALS: &str = "refusals";

fn refused(things: &Value, actor: &str) -> Vec<EventData> {
    let mut data = things.clone();
    data["problem"] = json!("flight-not-found");
    let event = EventData::json("CommandRefused", &data).unwrap().id(Uuid::new_v4());
    vec![event.metadata_as_json(&json!({ "actor": actor })).unwrap()]
}

#[tokio::test]
async fn refused_commands_are_a_list_like_the_others() {
    let (_store, api, appender) = world().await;
    let (flight, passenger) = (Uuid::now_v7(), Uuid::now_v7());
    appender.append(REFUSALS, refused(&json!({ "flightId": flight }), "desk")).await;
    appender.append(REFUSALS, refused(&json!({ "passengerId": passenger }), "gate")).await;
    appender.append(REFUSALS, refused(&json!({ "flightId": flight, "passengerId": passenger }), "gate")).await;
    let all = ["refusals/0", "refusals/1", "refusals/2"];
    for limit in 1..4 {
        assert_eq!(names(&api.whole("refusals", limit).await), all);
    }
    for (query, expected) in [
        (format!("flightId={flight}"), vec![all[0], all[2]]),
        (format!("passengerId={passenger}&actor=gate"), vec![all[1], all[2]]),
        ("eventType=CommandRefused&actor=desk".to_owned(), vec![all[0]]),
        ("from=2020-01-01T00:00:00Z&to=2199-01-01T00:00:00Z".to_owned(), all.to_vec()),
        ("from=2199-01-01T00:00:00Z".to_owned(), Vec::new()),
    ] {
        assert_eq!(names(&api.page(&format!("refusals?{query}")).await.items), expected, "{query}");
    }
    let down = api.get("/api/auditlog/refusals?order=newestFirst&limit=2").send().await.unwrap();
    let down: Value = down.json().await.unwrap();
    assert_eq!(names(down["items"].as_array().unwrap()), [all[2], all[1]]);
    let refused =
        api.get(&format!("/api/auditlog/all?after={}", api.page("refusals").await.next)).send().await.unwrap();
    problem(refused, 422, "invalid-request").await;
}

#[tokio::test]
async fn refused_commands_are_in_no_other_list() {
    let (_store, api, appender) = world().await;
    let mut feed = api.follow("", None).await;
    appender.append(REFUSALS, refused(&json!({}), "desk")).await;
    for list in ["all", "flights", "passengers"] {
        assert!(api.page(list).await.items.is_empty(), "{list}");
    }
    assert!(feed.message().await.is_some_and(|message| message.data.is_none()));
    assert!(feed.is_silent(Duration::from_millis(200)).await);
}

#[tokio::test]
async fn before_anything_was_refused_the_list_is_empty_and_is_polled() {
    let (_store, api, appender) = world().await;
    let empty = api.page("refusals").await;
    assert_eq!((empty.items.len(), empty.position.as_str()), (0, "0"));
    let down = api.get("/api/auditlog/refusals?order=newestFirst").send().await.unwrap();
    assert_eq!(down.json::<Value>().await.unwrap(), json!({ "items": [], "next": null }));
    appender.append(REFUSALS, refused(&json!({}), "desk")).await;
    let page = api.page_after("refusals", &empty.next).await;
    assert_eq!((names(&page.items), page.position.as_str()), (vec!["refusals/0".to_owned()], "ref0"));
}

#[tokio::test]
async fn a_reader_goes_on_although_what_it_has_read_has_expired() {
    let (_store, api, appender) = world().await;
    for _ in 0..3 {
        appender.append(REFUSALS, refused(&json!({}), "desk")).await;
    }
    let up = api.page("refusals?limit=2").await.next;
    let down = api.get("/api/auditlog/refusals?order=newestFirst&limit=1").send().await.unwrap();
    let down = down.json::<Value>().await.unwrap()["next"].as_str().unwrap().to_owned();
    let age = EventData::json("$metadata", &json!({ "$maxAge": 1 })).unwrap();
    appender.append("$$refusals", vec![age]).await;
    let ended = eventually("they expire", LIMIT, async || {
        let page = api.page_after("refusals", &up).await;
        page.items.is_empty().then_some(page)
    })
    .await;
    assert_eq!(ended.next, up, "it stays where it was");
    let path = format!("/api/auditlog/refusals?order=newestFirst&after={down}");
    let rest: Value = api.get(&path).send().await.unwrap().json().await.unwrap();
    assert_eq!(rest, json!({ "items": [], "next": null }));
    assert!(api.page("refusals?from=2020-01-01T00:00:00Z").await.items.is_empty());

    appender.append(REFUSALS, refused(&json!({}), "desk")).await;
    assert_eq!(names(&api.page_after("refusals", &up).await.items), ["refusals/3"]);
    assert_eq!(names(&api.page("refusals?from=2020-01-01T00:00:00Z").await.items), ["refusals/3"]);
}

#[tokio::test]
async fn a_cursor_of_another_event_store_is_refused() {
    let [(_store, api, appender), (_other, fresh, other)] = [world().await, world().await];
    for _ in 0..3 {
        appender.append(REFUSALS, refused(&json!({}), "desk")).await;
    }
    other.append(REFUSALS, refused(&json!({}), "desk")).await;
    let next = api.page("refusals").await.next;
    let response = fresh.get(&format!("/api/auditlog/refusals?after={next}")).send().await.unwrap();
    problem(response, 422, "invalid-request").await;
}

#[tokio::test]
async fn a_position_of_the_domains_does_not_matter_to_it() {
    let (_store, api) = with_passengers(1).await;
    let asked = api.get("/api/auditlog/refusals").header("Jetbridge-Position", "f7.p9");
    assert_eq!(Page::of(asked.send().await.unwrap()).await.position, "f7.p9");
}
