//! The embedded event store is for the services of its own process, and for whoever may read its data folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jetbridge_testing::eventually;
use reqwest::StatusCode;
use serde_json::Value;

use crate::system::{LIMIT, System};

/// The `esdb://` address that a running system has written down.
fn address(system: &System) -> String {
    let running = fs::read(system.data_dir().join("running")).unwrap();
    let running: Value = serde_json::from_slice(&running).unwrap();
    running["eventStore"].as_str().unwrap().to_owned()
}

fn client(address: &str) -> eventstore::Client {
    eventstore::Client::new(address.parse().unwrap()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_wants_a_password_that_is_a_new_one_each_time_and_shown_nowhere() {
    let mut system = System::start_with(&["--log", "debug"]).await;
    system.api().new_flight().await;
    let known = address(&system);
    let (credentials, host) = known.strip_prefix("esdb://").unwrap().split_once('@').unwrap();
    let password = credentials.strip_prefix("admin:").unwrap().to_owned();
    assert_eq!(password.len(), 64);
    let options = eventstore::ReadStreamOptions::default();
    let unknown = client(&format!("esdb://{host}")).read_stream("flight-stream", &options).await;
    assert!(unknown.is_err());
    let tombstone = client(&format!("esdb://{host}")).tombstone_stream("flight-stream", &Default::default()).await;
    assert!(tombstone.is_err());
    let mut events = client(&known).read_stream("flight-stream", &options).await.unwrap();
    assert!(events.next().await.unwrap().is_some());

    let url = format!("http://{}/gossip", host.split_once('?').unwrap().0);
    let answer = jetbridge_testing::http().get(&url).header("origin", "https://flights.example").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(jetbridge_testing::http().get(&url).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    for file in ["cmdline", "environ"] {
        let Ok(content) = fs::read(format!("/proc/{}/{file}", system.pid())) else { continue };
        assert!(!String::from_utf8_lossy(&content).contains(&password), "{file}");
    }
    assert!(!system.stderr().contains(&password) && !system.stdout().contains(&password));
    let events = system.data_dir().join("events");
    assert_eq!((mode(&events), mode(&system.data_dir().join("running"))), (0o700, 0o600));
    for entry in fs::read_dir(&events).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    system.restart().await;
    assert!(!address(&system).contains(&password));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_tombstoned_is_named_by_all_who_need_it() {
    let system = System::start().await;
    system.api().new_flight().await;
    client(&address(&system)).tombstone_stream("flight-stream", &Default::default()).await.unwrap();
    let words = "the stream flight-stream was tombstoned";
    eventually("health names the stream", LIMIT, async || {
        let health = system.api().get("/api/health").send().await;
        let named = health.text.matches(words).count();
        // The API, both readers of the processor, and the audit log.
        if named >= 4 { Ok(()) } else { Err(health.text) }
    })
    .await;
    let refused = system.api().create_flight().send().await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::SERVICE_UNAVAILABLE, "event-store-refused"));
}
