//! Starting and stopping.

use std::error::Error;
use std::path::Path;

use jetbridge_eventstore::{Config, StartError, start};
use tokio_util::sync::CancellationToken;

use crate::support::{ANY_PORT, TestServer};

async fn refused(listen: std::net::SocketAddr, data_dir: &Path) -> String {
    let config = Config::new(listen, data_dir.to_owned());
    let error: StartError = start(config, CancellationToken::new()).await.expect_err("refused");
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[tokio::test]
async fn a_folder_has_one_server_at_a_time() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let shutdown = CancellationToken::new();
    let config = Config::new(ANY_PORT, directory.path().to_owned());
    let server = start(config.clone(), shutdown.clone()).await.expect("it starts");
    let second = refused(ANY_PORT, directory.path()).await;
    assert!(second.contains("in use by another event store"), "{second}");
    shutdown.cancel();
    server.wait().await.expect("nothing is lost");

    let shutdown = CancellationToken::new();
    let server = start(config, shutdown.clone()).await.expect("the folder is free again");
    shutdown.cancel();
    server.wait().await.expect("nothing is lost");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let server = TestServer::start().await;
    let directory = tempfile::tempdir().expect("a temporary folder");
    let text = refused(server.address(), directory.path()).await;
    assert!(text.contains(&format!("cannot listen on {}", server.address())), "{text}");
}

#[tokio::test]
async fn a_newer_or_damaged_log_is_left_alone() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let file = directory.path().join("events.db");
    let database = rusqlite::Connection::open(&file).expect("a database");
    database.pragma_update(None, "user_version", 99).expect("a version");
    drop(database);
    let text = refused(ANY_PORT, directory.path()).await;
    assert!(text.contains("newer version (format 99"), "{text}");

    std::fs::remove_file(&file).expect("removed");
    std::fs::write(&file, "this is no database, whatever its name says".repeat(99)).expect("written");
    let text = refused(ANY_PORT, directory.path()).await;
    assert!(text.contains("not a readable event log"), "{text}");
    let beside = refused(ANY_PORT, &file).await;
    assert!(beside.contains("cannot be used"), "{beside}");
}
