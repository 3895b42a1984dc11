//! Lists as CSV files.

use eventstore::EventData;
use jetbridge_testing::{TestEventStore, TestProxy};
use reqwest::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Appender, FLIGHTS, PASSENGERS, TestApi, event, names, problem, world};

async fn file(api: &TestApi, path: &str) -> Response {
    api.get(&format!("/api/auditlog/{path}")).header("Accept", "text/csv").send().await.unwrap()
}

/// The cells of a file, row by row, without the apostrophes that guard them.
async fn rows(api: &TestApi, path: &str) -> Vec<Vec<String>> {
    let response = file(api, path).await;
    assert_eq!(response.status().as_u16(), 200, "{path}");
    cells(&response.text().await.expect("a complete file"))
}

fn cells(text: &str) -> Vec<Vec<String>> {
    let unguarded = |cell: &str| cell.strip_prefix('\'').unwrap_or(cell).to_owned();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(unguarded).collect()).collect()
}

/// `stream/number` of each row but the first.
fn names_in(rows: &[Vec<String>]) -> Vec<String> {
    rows[1..].iter().map(|row| format!("{}/{}", row[0], row[1])).collect()
}

#[tokio::test]
async fn a_file_has_what_the_list_has() {
    let (_store, api, appender) = world().await;
    let (flight, passenger) = (Uuid::now_v7(), Uuid::now_v7());
    let data = json!({ "flightId": flight, "passengerId": passenger, "name": "=1+1, \"x\"" });
    let metadata = json!({ "actor": "@desk", "subject": "key:Desk", "idempotencyKey": "k", "requestFingerprint": "f" });
    let named = EventData::json("CheckedIn", &data).unwrap().metadata_as_json(&metadata).unwrap();
    appender.append(PASSENGERS, vec![named]).await;
    appender.append(FLIGHTS, vec![EventData::binary("-1", "=cmd()".as_bytes().to_vec().into())]).await;

    let response = file(&api, "all").await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(header("content-disposition"), "attachment; filename=\"audit-log-all.csv\"");
    assert_eq!((header("vary"), header("jetbridge-position")), ("accept".to_owned(), "f0.p0".to_owned()));
    let text = response.text().await.unwrap();
    assert!(text.contains(",\"'@desk\",") && text.contains("\r\n\"flight-stream\",\"0\""), "{text}");
    assert!(text.contains(",\"'-1\",") && !text.contains(",\"-1\""), "{text}");

    let entries = api.whole("all", 10).await;
    assert_eq!(entries[0]["metadata"], json!({ "actor": "@desk", "subject": "key:Desk" }), "no keys");
    let expected = |entry: &Value, ids: [&str; 2], actor: &str, subject: &str| {
        let plain = |field: &str| entry[field].as_str().map_or_else(|| entry[field].to_string(), str::to_owned);
        let before = ["stream", "eventNumber", "eventId", "eventType", "created"].map(plain);
        let shown = [entry["data"].to_string(), entry["metadata"].to_string(), plain("position")];
        [&before[..], &ids.map(str::to_owned), &[actor.to_owned()], &shown, &[subject.to_owned()]].concat()
    };
    let columns =
        "stream,eventNumber,eventId,eventType,created,flightId,passengerId,actor,data,metadata,position,subject";
    let ids = [flight.to_string(), passenger.to_string()];
    let wanted = [
        columns.split(',').map(str::to_owned).collect(),
        expected(&entries[0], [&ids[0], &ids[1]], "@desk", "key:Desk"),
        expected(&entries[1], ["", ""], "", ""),
    ];
    let mut found = cells(&text);
    // Fields of JSON have no order.
    assert_eq!(serde_json::from_str::<Value>(&found[1][8]).unwrap(), data);
    found[1][8].clone_from(&wanted[1][8]);
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn a_file_has_all_entries_that_fit_in_either_order() {
    let (_store, api, appender) = world().await;
    for number in 0..6 {
        let events = (0..250).map(|_| event(&json!({}))).collect();
        appender.append([FLIGHTS, PASSENGERS][number % 2], events).await;
    }
    let all = names(&api.whole("all", 1000).await);
    assert_eq!(names_in(&rows(&api, "all").await), all);
    let mut down = names_in(&rows(&api, "all?order=newestFirst").await);
    down.reverse();
    assert_eq!(down, all);
    let first = api.page("all?limit=700").await;
    assert_eq!(names_in(&rows(&api, &format!("all?after={}", first.next)).await), all[700..]);
    assert_eq!(names_in(&rows(&api, "all?actor=nobody").await), [""; 0]);
    assert_eq!(names_in(&rows(&api, "flights?eventType=Happened&from=2020-01-01T00:00:00Z").await).len(), 750);
    assert_eq!(rows(&api, "refusals").await.len(), 1, "the names of the columns alone");
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_before_it_begins() {
    let (_store, api, appender) = world().await;
    appender.append_some(FLIGHTS, 2).await;
    let flights = api.page("flights").await.next;
    for (query, parameter) in [
        ("limit=10".to_owned(), "limit"),
        ("after=x".to_owned(), "after"),
        (format!("after={flights}"), "after"),
        (format!("after={flights}&order=newestFirst"), "after"),
        ("from=x".to_owned(), "from"),
        ("other=1".to_owned(), "other"),
    ] {
        let body = problem(file(&api, &format!("all?{query}")).await, 422, "invalid-request").await;
        assert_eq!(body["errors"][0]["parameter"], parameter);
    }
    let asked = api.get("/api/auditlog/all").header("Accept", "text/csv").header("Jetbridge-Position", "f7");
    problem(asked.send().await.unwrap(), 503, "not-yet").await;
}

#[tokio::test]
async fn json_is_what_everybody_gets_who_does_not_ask_for_csv() {
    let (_store, api, _appender) = world().await;
    for (accept, media_type) in [
        (None, "application/json"),
        (Some("*/*"), "application/json"),
        (Some("text/html"), "application/json"),
        (Some("application/json, text/csv"), "application/json"),
        (Some("text/csv;q=0.5, application/json;charset=utf-8"), "application/json"),
        (Some("text/csv;q=0, */*;q=0.1"), "application/json"),
        (Some("text/csv; header=absent"), "application/json"),
        (Some("text/csv, application/json;q=0.9"), "text/csv; charset=utf-8; header=present"),
        (Some("text/csv; header=present"), "text/csv; charset=utf-8; header=present"),
    ] {
        let request = api.get("/api/auditlog/all");
        let request = accept.into_iter().fold(request, |request, accept| request.header("Accept", accept));
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], media_type, "{accept:?}");
        assert_eq!(response.headers()["vary"], "accept");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_completed_breaks_off() {
    let store = TestEventStore::start().await;
    let proxy = TestProxy::start(store.address()).await;
    let api = TestApi::start_with(&proxy.connection_string(), 1).await;
    let appender = Appender::new(&store);
    let long = "x".repeat(2_000);
    for _ in 0..40 {
        appender.append(FLIGHTS, (0..250).map(|_| event(&json!({ "text": long }))).collect()).await;
    }
    let mut response = file(&api, "all").await;
    assert!(response.chunk().await.unwrap().is_some());
    let emptied = TestEventStore::start().await;
    proxy.point_at(emptied.address());
    let broken = loop {
        match response.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken, "it does not end as a complete file does");
}
