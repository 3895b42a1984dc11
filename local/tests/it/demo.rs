//! `jetbridge demo`: an airport that goes on by itself.

use std::collections::HashSet;

use jetbridge_testing::{Api, TestDatabase, TestEventStore, eventually};
use reqwest::StatusCode;
use serde_json::Value;

use crate::system::{Ended, LIMIT, System, program, run_to_end};

/// The command line of a demo whose folder is the test's.
fn demo<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["demo", "--listen", "127.0.0.1:0", "--data-dir", "data"], more].concat()
}

async fn flights(api: &Api) -> Vec<Value> {
    let list = api.get("/api/flights?limit=1000").send().await.expect(StatusCode::OK);
    list.body["items"].as_array().unwrap().clone()
}

/// What has been recorded in the audit log since the cursor, and the next cursor.
async fn news(api: &Api, after: &str) -> (Vec<Value>, String) {
    let page = api.get(&format!("/api/auditlog/all?limit=1000{after}")).send().await.expect(StatusCode::OK);
    let next = page.body["next"].as_str().unwrap();
    (page.body["items"].as_array().unwrap().clone(), format!("&after={next}"))
}

/// Reads the audit log to its end; the cursor for what comes then.
async fn end_of_news(api: &Api) -> String {
    let mut after = String::new();
    loop {
        let (entries, next) = news(api, &after).await;
        after = next;
        if entries.len() < 1000 {
            return after;
        }
    }
}

async fn filled(system: &System) {
    let has_filled = async || system.stderr().contains("the demo has filled the airport with");
    eventually("a full airport", LIMIT, has_filled).await;
}

/// Several kinds of things happen.
async fn goes_on(api: &Api) {
    let mut after = end_of_news(api).await;
    let mut kinds = HashSet::new();
    eventually("news of many kinds", LIMIT, async || {
        let (entries, next) = news(api, &after).await;
        after = next;
        for entry in entries {
            assert_eq!(entry["metadata"]["actor"], "demo", "{entry}");
            kinds.insert(entry["eventType"].as_str().unwrap().to_owned());
        }
        let wanted = ["PassengerCheckedIn", "PassengerBoarded", "FlightDisembarked", "FlightLanded"];
        wanted.iter().all(|kind| kinds.contains(*kind)).then_some(()).ok_or_else(|| format!("{kinds:?}"))
    })
    .await;
}

#[tokio::test]
async fn it_fills_the_airport_and_keeps_it_moving() {
    let mut system = System::start_with(&demo(&["--pace", "20"])).await;
    let api = system.api();
    filled(&system).await;
    let flights_at_first = flights(&api).await;
    assert!((35..=45).contains(&flights_at_first.len()), "{} flights", flights_at_first.len());
    let states: HashSet<&str> = flights_at_first.iter().map(|flight| flight["status"].as_str().unwrap()).collect();
    assert!(states.len() >= 3, "{states:?}");
    let passengers = api.get("/api/passengers?limit=1000").send().await.expect(StatusCode::OK);
    assert!(passengers.body["items"].as_array().unwrap().len() >= 500);

    goes_on(&api).await;

    // Somebody comes by and takes part. Their flight is left alone, also after a restart.
    let visitor = api.create_flight().send().await.expect(StatusCode::CREATED).id();
    let passenger = api.new_passenger(&visitor).await;
    for flight in flights(&api).await.iter().map(|flight| flight["id"].as_str().unwrap()) {
        if flight != visitor {
            // Refused while it is in the air.
            api.delete_flight(flight).send().await;
        }
    }
    let after = end_of_news(&api).await;
    eventually("the demo to go on", LIMIT, async || {
        let (entries, _) = news(&api, &after).await;
        entries.iter().any(|entry| entry["eventType"] == "PassengerBoarded")
    })
    .await;

    system.restart().await;
    let api = system.api();
    filled(&system).await;
    let mut after = end_of_news(&api).await;
    let mut left = 100;
    eventually("a hundred events", LIMIT, async || {
        let (entries, next) = news(&api, &after).await;
        after = next;
        assert!(entries.iter().all(|entry| entry["data"]["flightId"] != visitor), "{entries:?}");
        left -= left.min(entries.len());
        left == 0
    })
    .await;
    let passenger = api.get(&format!("/api/passengers/{passenger}")).send().await.expect(StatusCode::OK);
    assert_eq!(passenger.body["status"], "checkedIn");
    let flights = flights(&api).await.len();
    assert!(flights <= 41, "{flights} flights");

    let ended = system.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("did not stop in time"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("WARN jetbridge::demo"), "{}", ended.stderr);
}

#[tokio::test]
async fn what_is_there_already_is_not_filled_again() {
    let mut system = System::start_with(&demo(&["--pace", "0.5"])).await;
    filled(&system).await;
    system.restart().await;
    let goes_on = async || system.stderr().contains("the demo goes on with 40 flights");
    eventually("it to go on", LIMIT, goes_on).await;
    system.terminate().await;

    // The folder can be looked at without the demo, too.
    let data_dir = system.data_dir().to_string_lossy().into_owned();
    let without = System::start_with(&["--data-dir", &data_dir]).await;
    assert!(flights(&without.api()).await.len() >= 35);
    assert!(!without.stderr().contains("demo"), "{}", without.stderr());
}

#[tokio::test]
async fn a_folder_with_real_flights_is_refused() {
    let mut system = System::start().await;
    system.terminate().await;
    let data_dir = system.data_dir().to_string_lossy().into_owned();
    for _ in 0..2 {
        let ended = run_to_end(&["demo", "--listen", "127.0.0.1:0", "--data-dir", &data_dir]).await;
        ended.assert_failed(&[&data_dir, "has been used without demo"]);
        assert!(ended.stderr.contains("choose another folder with --data-dir"), "{}", ended.stderr);
    }
    system.restart().await;
    assert_eq!(flights(&system.api()).await.len(), 0);
}

fn assert_refuses_servers(ended: &Ended) {
    ended.assert_failed(&["does not fill servers of your own"]);
    assert!(ended.stderr.contains("--fill-given-servers"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
}

#[tokio::test]
async fn servers_of_ones_own_are_only_filled_if_that_is_said() {
    let event_store = ["--event-store", "esdb://admin:s3cret@127.0.0.1:1?tls=false"];
    let database = ["--database-url", "postgres://ada:s3cret@127.0.0.1:1/flights"];
    assert_refuses_servers(&run_to_end(&demo(&event_store)).await);
    assert_refuses_servers(&run_to_end(&demo(&database)).await);
    assert_refuses_servers(&run_to_end(&demo(&[event_store, database].concat())).await);
}

#[tokio::test]
async fn servers_of_ones_own_are_filled_if_that_is_said_and_may_be_away() {
    let (database, mut event_store) = (TestDatabase::create().await, TestEventStore::start().await);
    let url = database.url();
    let settings = ["--database-url", &url, "--event-store", event_store.connection_string(), "--fill-given-servers"];
    let system = System::start_with(&demo(&settings)).await;
    let api = system.api();
    filled(&system).await;
    assert!(flights(&api).await.len() >= 35);
    assert!(!system.data_dir().exists());

    event_store.stop().await;
    eventually("it waits", LIMIT, async || system.stderr().contains("WARN jetbridge::demo::client: the demo waits"))
        .await;
    event_store.start_again().await;
    eventually("it goes on", LIMIT, async || system.stderr().contains("the demo has stopped waiting")).await;
    eventually("an audit log", LIMIT, async || api.get("/api/auditlog/all?limit=1").send().await.status.is_success())
        .await;
    let after = end_of_news(&api).await;
    eventually("something new", LIMIT, async || !news(&api, &after).await.0.is_empty()).await;
}

#[test]
fn its_settings_are_explained_and_checked() {
    let run = |arguments: &[&str]| program().args(arguments).output().unwrap();
    let help = String::from_utf8(run(&["demo", "--help"]).stdout).unwrap();
    for said in ["[default: ./jetbridge-demo-data]", "--pace <", "[default: 2]", "--fill-given-servers", "--web-dir <"]
    {
        assert!(help.contains(said), "{said}: {help}");
    }
    for wrong in [
        &["demo", "--pace", "0"][..],
        &["demo", "--pace", "21"],
        &["demo", "--pace", "NaN"],
        &["demo", "--pace", "fast"],
        &["--pace", "1"],
        // It would be ignored.
        &["--data-dir", "data", "demo"],
    ] {
        let output = run(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(!output.stderr.is_empty(), "{wrong:?}");
    }
}

#[tokio::test]
async fn it_plays_for_nobody_whom_a_key_is_asked_of() {
    let ended = run_to_end(&demo(&["--authentication", "keys"])).await;
    ended.assert_failed(&["the demo plays by itself, without an access key", "--authentication"]);
    assert!(ended.stderr.contains("leave out --authentication"), "{}", ended.stderr);
}
