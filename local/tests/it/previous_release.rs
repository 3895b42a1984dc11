//! Data that the release before has written: its data folder, its tables, and the tokens that it gave to clients.

use std::fs;
use std::path::Path;

use jetbridge_testing::{TestDatabase, TestPostgres, http};
use serde_json::Value;

use crate::system::System;

/// `events.db`, a dump of the tables, and what the release answered at the end.
const WRITTEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/previous_release");

async fn start(database: &TestDatabase) -> System {
    let tables = fs::read_to_string(Path::new(WRITTEN).join("database.dump")).unwrap();
    database.client().await.batch_execute(&tables).await.unwrap();
    let url = TestPostgres::shared().await.url(database.name());
    let put_events = |data_dir: &Path| {
        fs::create_dir_all(data_dir.join("events")).unwrap();
        fs::copy(Path::new(WRITTEN).join("events.db"), data_dir.join("events/events.db")).unwrap();
    };
    System::start_prepared(put_events, &["--database-url", &url]).await
}

async fn get(system: &System, path: &str, position: &str) -> Value {
    let request = http().get(system.at(path)).header("Jetbridge-Position", position);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

#[tokio::test]
async fn what_the_previous_release_has_written_is_as_it_was() {
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(Path::new(WRITTEN).join("expected.json")).unwrap()).unwrap();
    let database = TestDatabase::create().await;
    let system = start(&database).await;
    let position = expected["position"].as_str().unwrap();
    for (path, answer) in expected["answers"].as_object().unwrap() {
        let now = get(&system, path, position).await;
        assert_eq!(now["items"], answer["items"], "{path}");
    }
    for (path, items) in expected["cursors"].as_object().unwrap() {
        assert_eq!(get(&system, path, position).await["items"], *items, "{path}");
    }

    // Both flights and passengers go on from where they were.
    let (flight, passenger) = (expected["flight"].as_str().unwrap(), expected["passenger"].as_str().unwrap());
    let boarded = http().post(system.at(&format!("/api/passengers/{passenger}/board"))).send().await.unwrap();
    assert_eq!(boarded.status(), 200);
    let departed = http().post(system.at(&format!("/api/flights/{flight}/disembark"))).send().await.unwrap();
    let position = departed.headers()["Jetbridge-Position"].to_str().unwrap().to_owned();
    assert_eq!(departed.status(), 200);
    assert_eq!(get(&system, &format!("/api/flights/{flight}"), &position).await["status"], "disembarked");
}
