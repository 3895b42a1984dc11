use std::fs;
use std::net::TcpListener;

use jetbridge_testing::http;
use serde_json::Value;

use crate::system::{System, run_to_end};

#[tokio::test]
async fn it_says_where_it_is_and_is_ready_then() {
    let system = System::shared().await;
    let response = http().get(system.at("/api/health")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let health: Value = response.json().await.unwrap();
    assert_eq!(health["status"], "up");
    let names: Vec<_> = health["services"].as_array().unwrap().iter().map(|service| &service["name"]).collect();
    assert_eq!(names, ["flight-api", "passenger-api", "auditlog-api", "flight-processor", "passenger-processor"]);
    assert_eq!(system.stdout(), format!("Jetbridge is ready at {}\n", system.url()));
    let news = system.stderr().lines().filter(|line| line.contains("INFO")).count();
    assert!(news <= 3, "{}", system.stderr());
}

#[tokio::test]
async fn a_port_that_is_taken_is_reported_at_once() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let ended = run_to_end(&["--listen", &address]).await;
    ended.assert_failed(&["cannot listen on", &address]);
    assert!(ended.stderr.contains("choose another address with --listen"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_data_folder_is_for_one_process() {
    let system = System::start().await;
    let data_dir = system.data_dir().to_string_lossy().into_owned();
    let second = run_to_end(&["--data-dir", &data_dir]).await;
    second.assert_failed(&["another Jetbridge process is using", &data_dir]);
    assert!(second.stderr.contains("--data-dir"), "{}", second.stderr);
    // The first one is not disturbed.
    let response = http().get(system.at("/api/flights")).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_made_is_reported() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let data_dir = file.path().join("data").to_string_lossy().into_owned();
    let ended = run_to_end(&["--data-dir", &data_dir]).await;
    ended.assert_failed(&["cannot create the data folder", &data_dir]);
    assert!(ended.stderr.contains("choose another folder with --data-dir"), "{}", ended.stderr);
}

#[tokio::test]
async fn data_of_another_postgresql_is_reported_and_not_touched() {
    let mut system = System::start().await;
    system.terminate().await;
    let version_file = system.data_dir().join("postgres/server/data/PG_VERSION");
    let version = fs::read_to_string(&version_file).unwrap();
    fs::write(&version_file, "9\n").unwrap();

    system.start_again();
    let ended = system.ended().await;
    ended.assert_failed(&["was written by PostgreSQL 9", "The data was not touched"]);

    fs::write(&version_file, version).unwrap();
    system.restart().await;
}

#[tokio::test]
async fn what_is_no_postgresql_data_is_reported() {
    let mut system = System::start().await;
    system.terminate().await;
    let cluster = system.data_dir().join("postgres/server/data");
    fs::remove_file(cluster.join("PG_VERSION")).unwrap();

    system.start_again();
    let ended = system.ended().await;
    ended.assert_failed(&[&cluster.to_string_lossy(), "holds no PostgreSQL data"]);
}
