//! An event store that holds another history than the read models do: what is shown is made anew by itself.

use std::fs;
use std::path::Path;

use jetbridge_testing::{Api, TestEventStore, TestProxy, eventually, texts};
use reqwest::StatusCode;

use crate::system::{LIMIT, System};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Waits until these flights are shown, and no others. Until then an answer may be that it is being made anew.
async fn come_to_be_shown(api: &Api, flights: &[&String]) {
    eventually("exactly these flights are shown", LIMIT, async || {
        let answer = api.get("/api/flights").send().await;
        if !answer.status.is_success() {
            assert!(["unavailable", "read-model-of-another-history"].contains(&answer.slug()), "{answer:?}");
            return Err(answer.text);
        }
        let shown = texts(answer.body["items"].as_array().unwrap(), "id");
        if shown.iter().eq(flights.iter().copied()) { Ok(()) } else { Err(answer.text) }
    })
    .await;
}

/// The databases are those of after the backup.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_backup_of_the_events_is_put_back_only_what_is_in_it_is_shown() {
    let mut system = System::start().await;
    let before = system.api().new_flight().await;
    come_to_be_shown(&system.api(), &[&before]).await;
    system.terminate().await;
    let (events, backup) = (system.data_dir().join("events"), system.data_dir().join("backup"));
    copy(&events, &backup);

    system.restart().await;
    let lost = system.api().new_flight().await;
    system.api().new_boarded(&lost).await;
    come_to_be_shown(&system.api(), &[&before, &lost]).await;
    system.terminate().await;
    fs::remove_dir_all(&events).unwrap();
    copy(&backup, &events);

    system.restart().await;
    let api = system.api();
    come_to_be_shown(&api, &[&before]).await;
    let after = api.new_flight().await;
    come_to_be_shown(&api, &[&before, &after]).await;
    api.get(&format!("/api/flights/{lost}")).send().await.expect(StatusCode::NOT_FOUND);
    assert!(!system.stderr().contains("panicked"), "{}", system.stderr());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_event_store_is_emptied_while_all_runs_nothing_from_before_is_shown() {
    let (store, emptied) = tokio::join!(TestEventStore::start(), TestEventStore::start());
    let proxy = TestProxy::start(store.address()).await;
    let system = System::start_with(&["--event-store", &proxy.connection_string()]).await;
    let api = system.api();
    let before = api.new_flight().await;
    come_to_be_shown(&api, &[&before]).await;
    proxy.point_at(emptied.address());
    come_to_be_shown(&api, &[]).await;
    proxy.point_at(store.address());
    come_to_be_shown(&api, &[&before]).await;
}
