use std::net::SocketAddr;
use std::process::{Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shared_service::process::healthcheck;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::support::{LIMIT, listener};

fn nowhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

fn command(listen: &str, services: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.env_clear().args(["--listen", listen]).stderr(Stdio::piped()).kill_on_drop(true);
    for service in ["flight", "passenger", "auditlog"] {
        command.args([format!("--{service}-api"), format!("http://{services}")]);
    }
    command
}

struct Gateway {
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
    url: String,
}

async fn start() -> Gateway {
    start_before(nowhere()).await
}

async fn start_before(services: SocketAddr) -> Gateway {
    let mut process = command("127.0.0.1:0", services).spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
    let url = loop {
        let line = tokio::time::timeout(LIMIT, log.next_line()).await.unwrap().unwrap().expect("it starts");
        if let Some(at) = line.find("http://") {
            break line[at..].to_owned();
        }
    };
    Gateway { process, log, url }
}

impl Gateway {
    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id().unwrap()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }
}

#[tokio::test]
async fn it_runs_until_it_is_told_to_stop() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut gateway = start().await;
        assert_eq!(reqwest::get(format!("{}/health/live", gateway.url)).await.unwrap().status(), 200);
        gateway.signal(signal);
        let status = tokio::time::timeout(LIMIT, gateway.process.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(0));
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let service = listener().await;
    let mut gateway = start_before(service.local_addr().unwrap()).await;
    let answer = tokio::spawn(reqwest::get(format!("{}/api/flights", gateway.url)));
    // The service has the request and keeps it.
    let (stream, _) = tokio::time::timeout(LIMIT, service.accept()).await.unwrap().unwrap();
    tokio::time::timeout(LIMIT, stream.readable()).await.unwrap().unwrap();

    gateway.signal(Signal::SIGTERM);
    loop {
        let line = tokio::time::timeout(LIMIT, gateway.log.next_line()).await.unwrap().unwrap().expect("a line");
        if line.contains("shutting down") {
            break;
        }
    }
    gateway.signal(Signal::SIGTERM);
    let status = tokio::time::timeout(LIMIT, gateway.process.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(answer.await.unwrap().is_err());
}

async fn fail(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = tokio::time::timeout(LIMIT, command.output()).await.unwrap().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn errors_are_one_readable_line() {
    let taken = listener().await;
    let address = taken.local_addr().unwrap().to_string();
    let (code, stderr) = fail(&mut command(&address, nowhere())).await;
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with(&format!("error: cannot listen on {address}: Address already in use")), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");

    let (code, stderr) = fail(command("127.0.0.1:0", nowhere()).args(["--log", "a=b=c"])).await;
    assert_eq!((code, stderr.lines().count()), (Some(1), 1), "{stderr}");

    let (code, stderr) = fail(command("127.0.0.1:0", nowhere()).args(["--flight-processor", "https://a/b"])).await;
    assert_eq!(code, Some(2));
    assert!(stderr.contains("must be like http://host:port"), "{stderr}");

    let (code, stderr) = fail(command("127.0.0.1:0", nowhere()).args(["--web-dir", "no/such/folder"])).await;
    assert_eq!(code, Some(2));
    assert!(stderr.contains("there is no index.html in this folder"), "{stderr}");
}

#[tokio::test]
async fn health_can_be_asked_for_from_outside() {
    let gateway = start().await;
    let check = |path: &str| {
        let url = format!("{}{path}", gateway.url);
        tokio::task::spawn_blocking(move || format!("{:?}", healthcheck(&url)))
    };
    let (success, failure) = (std::process::ExitCode::SUCCESS, std::process::ExitCode::FAILURE);
    assert_eq!(check("/health/live").await.unwrap(), format!("{success:?}"));
    for path in ["/health/ready", "/api/health"] {
        assert_eq!(check(path).await.unwrap(), format!("{failure:?}"), "{path}: nothing is behind it");
    }
    let down = tokio::task::spawn_blocking(|| format!("{:?}", healthcheck("http://127.0.0.1:1/")));
    assert_eq!(down.await.unwrap(), format!("{failure:?}"));
}
