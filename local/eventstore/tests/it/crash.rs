//! Kills of the real program.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use eventstore::{AppendToStreamOptions, Client, EventData, ExpectedRevision, ReadStreamOptions};
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::support::{ANY_PORT, let_eventstore_go_first, within_limit};

fn spawn(listen: SocketAddr, data_dir: &Path) -> Child {
    spawn_with(listen, data_dir, [])
}

/// The program, with more in its environment.
pub(crate) fn spawn_with<const N: usize>(
    listen: SocketAddr,
    data_dir: &Path,
    environment: [(&str, &Path); N],
) -> Child {
    Command::new(env!("CARGO_BIN_EXE_jetbridge-eventstore"))
        .arg("--listen")
        .arg(listen.to_string())
        .arg("--data-dir")
        .arg(data_dir)
        .envs(environment)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the program runs")
}

pub(crate) async fn until_live(listen: SocketAddr) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = format!("http://{listen}/health/live");
    within_limit(async {
        while client.get(&url).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

pub(crate) async fn connect(listen: SocketAddr) -> Client {
    let uri = format!("esdb://{listen}?tls=false&discoveryInterval=10");
    let_eventstore_go_first(&uri).await;
    Client::new(uri.parse().expect("an address")).expect("a client")
}

pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(ANY_PORT).expect("a free port");
    listener.local_addr().expect("its address")
}

/// Appends until the server is gone; the acknowledged ids with their revisions.
async fn append_until_killed(client: Client) -> Vec<(Uuid, u64)> {
    let options = AppendToStreamOptions::default().expected_revision(ExpectedRevision::Any);
    let mut acknowledged = Vec::new();
    loop {
        let id = Uuid::new_v4();
        let event = EventData::binary("Written", bytes::Bytes::from_static(b"data")).id(id);
        match client.append_to_stream("crash", &options, event).await {
            Ok(written) => acknowledged.push((id, written.next_expected_version)),
            Err(_) => return acknowledged,
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let mut acknowledged = HashMap::new();
    for round in 1..=3 {
        let listen = free_address();
        let mut server = spawn(listen, directory.path());
        until_live(listen).await;
        let client = connect(listen).await;
        client.server_info().await.expect("a connection");
        let writers: Vec<_> = (0..8).map(|_| tokio::spawn(append_until_killed(client.clone()))).collect();
        tokio::time::sleep(Duration::from_millis(150 * round)).await;
        server.kill().await.expect("killed");
        for writer in writers {
            acknowledged.extend(within_limit(writer).await.expect("no panic"));
        }
    }
    assert!(acknowledged.len() > 30, "{} appends are too few to tell", acknowledged.len());

    let listen = free_address();
    let mut server = spawn(listen, directory.path());
    until_live(listen).await;
    let client = connect(listen).await;
    let options = ReadStreamOptions::default().max_count(usize::MAX);
    let mut events = client.read_stream("crash", &options).await.expect("a read");
    let mut expected_revision = 0;
    while let Some(event) = events.next().await.expect("an event") {
        let event = event.get_original_event();
        assert_eq!(event.revision, expected_revision);
        expected_revision += 1;
        if let Some(revision) = acknowledged.remove(&event.id) {
            assert_eq!(event.revision, revision);
        }
    }
    assert!(acknowledged.is_empty(), "lost: {acknowledged:?}");
    server.kill().await.expect("killed");
}

#[tokio::test]
async fn a_termination_signal_ends_the_program_with_success() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let listen = free_address();
    let mut server = spawn(listen, directory.path());
    until_live(listen).await;
    let pid = server.id().expect("it runs");
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).expect("a process id"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("signalled");
    let status = within_limit(server.wait()).await.expect("its status");
    assert!(status.success(), "{status}");
}
