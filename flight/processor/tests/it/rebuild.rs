//! A rebuild that is asked for on the command line of the processor.

use std::process::Output;

use jetbridge_testing::{TestDatabase, TestEventStore};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{append_unreadable, start};

async fn rebuild(database_url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flight-processor"));
    command.env_clear().env("JETBRIDGE_DATABASE_URL", database_url).arg("rebuild").args(arguments);
    command.kill_on_drop(true).output().await.unwrap()
}

#[tokio::test]
async fn the_program_asks_the_instance_that_leads_and_waits_until_it_is_done() {
    let (store, database) = tokio::join!(TestEventStore::start(), TestDatabase::create());
    append_unreadable(&store, 2).await;
    let (_service, api) = start(&store, &database).await;
    api.get("/rebuild").send_once_available().await.expect(StatusCode::OK);

    let done = rebuild(&database.url(), &["--wait"]).await;
    assert!(done.status.success(), "{done:?}");
    assert!(String::from_utf8_lossy(&done.stdout).contains("flights: done, 2 events"), "{done:?}");
    let listed = api.get("/rebuild").send().await.expect(StatusCode::OK).body;
    assert_eq!(listed["rebuilds"].as_array().map(Vec::len), Some(1));
    let rebuild = &listed["rebuilds"][0];
    assert_eq!((&rebuild["status"], &rebuild["readModel"]), (&json!("done"), &json!("flights")));
    assert_eq!(rebuild["askedBy"], "the command line of a processor");
    assert_ne!(rebuild["endedAt"], Value::Null);
}

#[tokio::test]
async fn one_at_a_time_and_none_without_a_database() {
    let (store, database) = tokio::join!(TestEventStore::start(), TestDatabase::create());
    let (service, api) = start(&store, &database).await;
    api.get("/rebuild").send_once_available().await.expect(StatusCode::OK);
    // Nobody leads, so that it is not done before it is asked for again.
    drop(service);
    let first = rebuild(&database.url(), &[]).await;
    assert!(first.status.success(), "{first:?}");
    let second = rebuild(&database.url(), &[]).await;
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert!(String::from_utf8_lossy(&second.stderr).contains("being rebuilt already"), "{second:?}");

    let nowhere = rebuild("postgres://u:hush@127.0.0.1:1/none", &[]).await;
    assert_eq!(nowhere.status.code(), Some(1), "{nowhere:?}");
    assert!(!String::from_utf8_lossy(&nowhere.stderr).contains("hush"), "{nowhere:?}");
}
