//! The settings of the program itself.

use std::path::Path;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::crash::{connect, free_address, until_live};
use crate::support::within_limit;

const PASSWORD: &str = "not-to-be-seen-anywhere";

fn program(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jetbridge-eventstore"));
    command.arg("--data-dir").arg(data_dir).args(arguments).kill_on_drop(true).stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn a_password_is_read_from_a_file_and_shown_nowhere() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).expect("written");
    let (listen, data_dir) = (free_address(), folder.path().join("events"));
    let arguments = ["--listen", &listen.to_string(), "--password-file", file.to_str().expect("text")];
    let mut server = program(&data_dir, &arguments).env("RUST_LOG", "trace").spawn().expect("the program runs");
    let mut log = BufReader::new(server.stderr.take().expect("its log")).lines();
    let reading = tokio::spawn(async move {
        let mut read = Vec::new();
        while let Ok(Some(line)) = log.next_line().await {
            read.push(line);
        }
        read.join("\n")
    });
    until_live(listen).await;
    let options = eventstore::AppendToStreamOptions::default();
    let event = || eventstore::EventData::binary("Written", bytes::Bytes::from_static(b"data"));
    let unknown = connect(listen).await.append_to_stream("s", &options, event()).await;
    assert!(unknown.is_err(), "{unknown:?}");
    let uri = format!("esdb://admin:{PASSWORD}@{listen}?tls=false");
    let known = eventstore::Client::new(uri.parse().expect("an address")).expect("a client");
    within_limit(known.append_to_stream("s", &options, event())).await.expect("written");
    let process = format!("/proc/{}", server.id().expect("it runs"));
    for file in ["cmdline", "environ"] {
        let Ok(content) = std::fs::read(format!("{process}/{file}")) else { continue };
        assert!(!String::from_utf8_lossy(&content).contains(PASSWORD), "{file}");
    }
    server.kill().await.expect("killed");
    let log = within_limit(reading).await.expect("its log");
    assert!(log.contains(&format!("event store is ready at esdb://{listen}?tls=false")), "{log}");
    assert!(!log.contains(PASSWORD) && !log.contains("bm90LXRvLWJlLXNlZW4tYW55d2hlcmU"), "{log}");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (short, missing) = (folder.path().join("short"), folder.path().join("missing"));
    std::fs::write(&short, "changeme").expect("written");
    let [short, missing] = [&short, &missing].map(|path| path.to_str().expect("text").to_owned());
    let refused = async |arguments: &[&str]| {
        let arguments = [&["--listen", "127.0.0.1:0"][..], arguments].concat();
        let Output { status, stderr, .. } =
            within_limit(program(&folder.path().join("events"), &arguments).output()).await.expect("it ends");
        assert!(!status.success(), "{status}");
        String::from_utf8_lossy(&stderr).into_owned()
    };
    let text = refused(&["--password-file", &short]).await;
    assert!(text.contains(&short) && text.contains("openssl rand -hex 32") && !text.contains("changeme"), "{text}");
    let text = refused(&["--password-file", &missing]).await;
    assert!(text.contains(&missing) && text.contains("cannot be read"), "{text}");
    let text = refused(&["--public-host", "event-store:2113"]).await;
    assert!(text.contains("without a port"), "{text}");
}
