//! What is recorded in some span of time, or for somebody.

use eventstore::EventData;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Appender, FLIGHTS, PASSENGERS, TestApi, event, names, problem, with_passengers, world};

/// The time of an entry, as it is.
fn created(entry: &Value) -> String {
    entry["created"].as_str().unwrap().to_owned()
}

/// Appends this many events in turn to both streams, a moment apart.
async fn append_apart(appender: &Appender, count: usize) {
    for number in 0..count {
        appender.append_some([FLIGHTS, PASSENGERS][number % 2], 1).await;
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// The names of all entries of a list with this query, read in pages of `limit`.
async fn walk(api: &TestApi, list: &str, query: &str, limit: usize) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    for _ in 0..100 {
        let path = format!("/api/auditlog/{list}?limit={limit}&{query}{after}");
        let response = api.get(&path).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        let body: Value = response.json().await.unwrap();
        found.extend(names(body["items"].as_array().unwrap()));
        let Some(next) = body["next"].as_str() else { return found };
        let next = format!("&after={next}");
        if next == after {
            return found;
        }
        after = next;
    }
    panic!("{list}?{query} does not end")
}

#[tokio::test]
async fn entries_are_filtered_by_the_time_at_which_they_were_recorded() {
    let (_store, api, appender) = world().await;
    append_apart(&appender, 8).await;
    let entries = api.whole("all", 1000).await;
    let all = names(&entries);
    let (third, sixth) = (created(&entries[2]), created(&entries[5]));
    for (query, expected) in [
        (format!("from={third}"), &all[2..]),
        (format!("to={sixth}"), &all[..5]),
        (format!("from={third}&to={sixth}"), &all[2..5]),
        (format!("from={third}&to={third}"), &all[..0]),
        ("from=1970-01-01T00:00:00Z".to_owned(), &all[..]),
        ("to=2199-12-31T23:59:59Z".to_owned(), &all[..]),
        ("from=2199-01-01T00:00:00Z".to_owned(), &all[..0]),
        ("to=1970-01-01T00:00:00%2B00:00".to_owned(), &all[..0]),
        (format!("from={third}&eventType=Happened&to={sixth}"), &all[2..5]),
    ] {
        for limit in [1, 2, 3, 100] {
            assert_eq!(walk(&api, "all", &query, limit).await, expected, "{query} in pages of {limit}");
            let mut down = walk(&api, "all", &format!("{query}&order=newestFirst"), limit).await;
            down.reverse();
            assert_eq!(down, expected, "{query} in pages of {limit}, newest first");
        }
        let of_flights: Vec<_> = expected.iter().filter(|name| name.starts_with(FLIGHTS)).cloned().collect();
        assert_eq!(walk(&api, "flights", &query, 1).await, of_flights, "{query}");
    }
}

#[tokio::test]
async fn a_time_may_be_given_with_any_offset() {
    let (_store, api, appender) = world().await;
    append_apart(&appender, 3).await;
    let entries = api.whole("all", 1000).await;
    let second: jiff::Timestamp = created(&entries[1]).parse().unwrap();
    let elsewhere = second.display_with_offset(jiff::tz::offset(-8)).to_string();
    assert!(elsewhere.ends_with("-08:00"), "{elsewhere}");
    assert_eq!(walk(&api, "all", &format!("from={elsewhere}"), 10).await, names(&entries[1..]));
}

#[tokio::test]
async fn what_lies_before_a_time_is_not_read() {
    let (_store, api, appender) = world().await;
    for _ in 0..12 {
        appender.append(PASSENGERS, (0..1_000).map(|_| event(&json!({}))).collect()).await;
    }
    appender.append_some(FLIGHTS, 2).await;
    let end = api.page("all?from=2199-01-01T00:00:00Z").await;
    assert_eq!((end.items.len(), end.position.as_str()), (0, "f1.p11999"), "in one answer");
    assert_eq!(api.page(&format!("all?from=2199-01-01T00:00:00Z&after={}", end.next)).await.next, end.next);
    let response = api.get("/api/auditlog/all?to=1971-01-01T00:00:00Z&order=newestFirst").send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "items": [], "next": null }));
    // What comes after it neither.
    let begun = api.page("all?to=1971-01-01T00:00:00Z").await;
    assert_eq!((begun.items.len(), begun.position.as_str()), (0, "0"));
}

#[tokio::test]
async fn a_list_that_has_ended_covers_whatever_comes_later() {
    let (_store, api) = with_passengers(3).await;
    let asked = api.get("/api/auditlog/all?to=1971-01-01T00:00:00Z").header("Jetbridge-Position", "p2");
    let answer = asked.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["jetbridge-position"]), (200, &"p2".parse().unwrap()));
    let asked = api.get("/api/auditlog/all?to=2199-01-01T00:00:00Z").header("Jetbridge-Position", "p9");
    problem(asked.send().await.unwrap(), 503, "not-yet").await;
}

#[tokio::test]
async fn entries_are_filtered_by_who_asked() {
    let (_store, api, appender) = world().await;
    let by = |metadata: Value| vec![event(&json!({})).metadata_as_json(&metadata).unwrap()];
    appender.append(FLIGHTS, by(json!({ "actor": "gate 7" }))).await;
    appender.append(PASSENGERS, by(json!({ "actor": "gate 71" }))).await;
    appender.append(FLIGHTS, by(json!({ "$correlationId": "gate 7" }))).await;
    appender.append(PASSENGERS, vec![event(&json!({ "actor": "gate 7" }))]).await;
    appender.append(FLIGHTS, by(json!({ "actor": ["gate 7"] }))).await;
    let odd = EventData::json("Happened", &json!({})).unwrap().metadata("gate 7".as_bytes().into());
    appender.append(FLIGHTS, vec![odd]).await;
    appender.append(PASSENGERS, by(json!({ "actor": "gate 7", "schemaVersion": 1 }))).await;
    for order in ["oldestFirst", "newestFirst"] {
        let mut found = walk(&api, "all", &format!("actor=gate%207&order={order}"), 1).await;
        found.sort();
        assert_eq!(found, ["flight-stream/0", "passenger-stream/2"]);
    }
    assert_eq!(walk(&api, "all", "actor=Gate%207", 1).await, Vec::<String>::new(), "exactly");
    assert_eq!(walk(&api, "passengers", "actor=gate%2071&eventType=Happened", 1).await, ["passenger-stream/0"]);
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_is_refused_by_name() {
    let (_store, api, _appender) = world().await;
    let malformed = "must be a date and time with an offset (RFC 3339), such as 2026-05-01T12:30:00Z or \
                     2026-05-01T14:30:00+02:00";
    let plus = "must have the plus sign of its offset written as %2B, such as 2026-05-01T14:30:00%2B02:00";
    for (query, parameter, detail) in [
        ("from=yesterday", "from", malformed),
        ("from=2026-05-01", "from", malformed),
        ("to=2026-05-01T12:30:00", "to", malformed),
        ("to=", "to", malformed),
        ("to=2026-02-30T12:30:00Z", "to", "must be a day of the calendar and a time of day from 00:00:00 to 23:59:59"),
        (
            "from=2026-05-01T12:30:00.1234567891Z",
            "from",
            "must not be finer than a nanosecond; use at most nine digits of a second",
        ),
        ("to=2026-05-01T14:30:00+02:00", "to", plus),
        ("from=2200-06-01T00:00:00Z", "from", "must be in the years 1970 to 2199"),
        (
            "from=2026-05-01T12:00:00Z&to=2026-05-01T13:00:00%2B02:00",
            "from",
            "must not be later than the query parameter to",
        ),
        ("from=2026-05-01T12:00:00Z&from=2026-05-01T12:00:00Z", "from", "must be given only once"),
        ("actor=", "actor", "must not be empty"),
        ("actor=a&actor=b", "actor", "must be given only once"),
    ] {
        for list in ["flights", "all", "refusals"] {
            for order in ["", "&order=newestFirst"] {
                let response = api.get(&format!("/api/auditlog/{list}?{query}{order}")).send().await.unwrap();
                let body = problem(response, 422, "invalid-request").await;
                assert_eq!(body["errors"], json!([{ "parameter": parameter, "detail": detail }]), "{list}?{query}");
            }
        }
    }
}

#[tokio::test]
async fn a_question_about_a_list_has_its_headers_alone() {
    let (_store, api) = with_passengers(2).await;
    for query in ["", "?order=newestFirst", "?from=1971-01-01T00:00:00Z&actor=nobody"] {
        let api = api.service.inner_api();
        let answer = api.call(Method::HEAD, &format!("/api/auditlog/all{query}")).response().await;
        assert_eq!((answer.status().as_u16(), &answer.headers()["jetbridge-position"]), (200, &"p1".parse().unwrap()));
        assert_eq!(answer.bytes().await.unwrap().len(), 0);
    }
}
