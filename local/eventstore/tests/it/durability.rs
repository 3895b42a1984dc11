//! What is on disk when an append is acknowledged, seen from between the real program and the system.

use std::net::SocketAddr;
use std::path::PathBuf;

use eventstore::{AppendToStreamOptions, EventData, ExpectedRevision};
use jetbridge_testing::{Syncs, temporary_folder};
use tempfile::TempDir;
use tokio::process::Child;

use crate::crash::{connect, free_address, spawn_with, until_live};

/// Together they are more than the write-ahead log holds before it is folded into the database.
const APPENDS: usize = 24;
const BYTES: usize = 900_000;

/// A server in folders that it has to make, whose synchronisations are counted.
struct Observed {
    server: Child,
    listen: SocketAddr,
    syncs: Syncs,
    _folder: TempDir,
}

impl Observed {
    async fn start() -> Self {
        let folder = temporary_folder();
        let syncs = Syncs::below(folder.path());
        let (listen, data_dir) = (free_address(), folder.path().join("made/by/the/start"));
        let server = spawn_with(listen, &data_dir, syncs.environment());
        until_live(listen).await;
        Self { server, listen, syncs, _folder: folder }
    }
}

#[tokio::test]
async fn an_append_is_acknowledged_once_all_of_it_is_on_disk() {
    let Observed { mut server, listen, syncs, _folder } = Observed::start().await;
    let client = connect(listen).await;
    let options = AppendToStreamOptions::default().expected_revision(ExpectedRevision::Any);
    for number in 0..APPENDS {
        let before = syncs.count();
        let event = EventData::binary("Written", vec![7; BYTES].into());
        client.append_to_stream("durable", &options, event).await.expect("an acknowledgement");
        assert_eq!(syncs.missing(), Vec::<PathBuf>::new(), "append {number} is acknowledged too early");
        assert!(syncs.count() > before, "append {number} was not synced");
    }
    server.kill().await.expect("killed");
}

#[tokio::test]
async fn the_folders_of_the_log_are_on_disk_with_it() {
    let Observed { mut server, syncs, .. } = Observed::start().await;
    assert_eq!(syncs.missing(), Vec::<PathBuf>::new());
    server.kill().await.expect("killed");
}
