use jetbridge_testing::{eventually, http};
use nix::sys::signal::Signal;

use crate::system::{LIMIT, PostgresProcess, STOP_LIMIT, System};

async fn stops_on(signal: Signal) {
    let mut system = System::start().await;
    let postgres = system.postgres();
    // Somebody is connected, and follows the audit log.
    let client = http();
    let listed = client.get(system.at("/api/flights")).send().await.unwrap();
    assert_eq!(listed.status(), 200);
    let followed = client.get(system.at("/api/auditlog/events")).send().await.unwrap();
    assert_eq!(followed.status(), 200);

    system.signal(signal);
    let ended = system.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(ended.took < STOP_LIMIT, "{:?}: {}", ended.took, ended.stderr);
    assert!(!ended.stderr.contains("did not stop in time"), "{}", ended.stderr);
    assert!(!postgres.is_running());
}

#[tokio::test]
async fn it_stops_when_it_is_terminated() {
    stops_on(Signal::SIGTERM).await;
}

#[tokio::test]
async fn it_stops_when_it_is_interrupted() {
    stops_on(Signal::SIGINT).await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_leaves_no_postgresql() {
    let mut system = System::start().await;
    let postgres = system.postgres();
    system.signal(Signal::SIGINT);
    system.signal(Signal::SIGTERM);
    let ended = system.ended().await;
    assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
    eventually("PostgreSQL is gone", LIMIT, async || !postgres.is_running()).await;
}

#[tokio::test]
async fn it_stops_while_it_is_still_starting() {
    let mut system = System::start().await;
    system.terminate().await;
    let data_dir = system.data_dir();
    system.start_again();
    let postgres = eventually("PostgreSQL starts", LIMIT, async || PostgresProcess::of(&data_dir)).await;
    system.signal(Signal::SIGTERM);
    let ended = system.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    eventually("PostgreSQL is gone", LIMIT, async || !postgres.is_running()).await;
}
