//! What is on disk when a command is acknowledged, seen from between the program and the system.

use std::path::PathBuf;
use std::process::Stdio;

use jetbridge_testing::{Api, Syncs, TestDatabase, temporary_folder};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::system::{LIMIT, program};

#[tokio::test]
async fn the_data_folder_is_on_disk_with_all_that_is_acknowledged_in_it() {
    let (folder, database) = (temporary_folder(), TestDatabase::create().await);
    let syncs = Syncs::below(folder.path());
    let mut system = Command::from(program())
        .args(["--listen", "127.0.0.1:0", "--database-url", &database.url(), "--data-dir"])
        .arg(folder.path().join("made/by/the/start"))
        .envs(syncs.environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(system.stdout.take().unwrap()).lines();
    let line = timeout(LIMIT, lines.next_line()).await.expect("it is ready in time").unwrap().unwrap();
    let url = line.strip_prefix("Jetbridge is ready at ").unwrap();

    let before = syncs.count();
    Api::of_gateway(url).new_flight().await;
    assert_eq!(syncs.missing(), Vec::<PathBuf>::new());
    assert!(syncs.count() > before);
    system.kill().await.unwrap();
}
