//! A manifest as a CSV file.

use passenger_core::PassengerStatus::{Boarded, CheckedIn, Offloaded};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{Tables, TestApi, new_flight};

const COLUMNS: &str = "\"id\",\"flightId\",\"name\",\"status\"\r\n";

#[tokio::test]
async fn a_manifest_has_all_of_its_passengers_in_a_file() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let (crowded, other) = (new_flight(), new_flight());
    tables.add(other, &[Boarded]).await;
    let passengers = tables.add(crowded, &[CheckedIn; 2_100]).await;
    let path = format!("/api/manifests/{crowded}");
    let answer = api.get(&path).header("Accept", "text/csv").send().await.expect(StatusCode::OK);
    assert_eq!(answer.header("Content-Type"), Some("text/csv; charset=utf-8; header=present"));
    let disposition = format!("attachment; filename=\"manifest-{crowded}.csv\"");
    assert_eq!(answer.header("Content-Disposition"), Some(&*disposition));
    assert_eq!((answer.header("Vary"), answer.header("ETag")), (Some("accept"), None));
    assert!(answer.header("Jetbridge-Position").is_some());
    let row =
        |(number, id): (usize, &String)| format!("\"{id}\",\"{crowded}\",\"{crowded} {number}\",\"checkedIn\"\r\n");
    let rows: String = passengers.iter().enumerate().map(row).collect();
    assert_eq!(answer.text, format!("{COLUMNS}{rows}"));
}

#[tokio::test]
async fn the_form_of_a_manifest_is_the_one_that_is_asked_for() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let flight = new_flight();
    tables.add(flight, &[Boarded, Offloaded]).await;
    let path = format!("/api/manifests/{flight}");
    for accept in ["*/*", "application/json", "text/html, */*;q=0.1", "text/csv;q=0.1, application/json"] {
        let answer = api.get(&path).header("Accept", accept).send().await.expect(StatusCode::OK);
        assert_eq!((answer.header("Content-Type"), answer.header("Vary")), (Some("application/json"), Some("accept")));
    }
    // A file is another thing than what the ETag stands for.
    let etag = api.get(&path).send().await.header("ETag").unwrap().to_owned();
    let known = api.get(&path).header("If-None-Match", &etag);
    known.header("Accept", "text/csv").send().await.expect(StatusCode::OK);
    let known = api.get(&path).header("If-None-Match", &etag).send().await.expect(StatusCode::NOT_MODIFIED);
    assert_eq!(known.header("Vary"), Some("accept"));
    let head = api.call(Method::HEAD, &path).header("Accept", "text/csv").send().await.expect(StatusCode::OK);
    assert_eq!((head.text.as_str(), head.header("Content-Disposition").is_some()), ("", true));
    let far = api.get(&path).header("Accept", "text/csv").position("p99999").send().await;
    far.expect_problem(503, "not-yet");
    let none = api.get("/api/manifests/none").header("Accept", "text/csv").send().await;
    assert_eq!(none.expect_problem(404, "manifest-not-found").body["status"], Value::from(404));
}
