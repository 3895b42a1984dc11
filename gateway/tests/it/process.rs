use std::net::SocketAddr;
use std::path::Path;
use std::process::{Output, Stdio};

use jetbridge_testing::{SERVICE_TOKEN, SERVICE_TOKEN_FILE};
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
    command_at(listen, &format!("http://{services}"))
}

fn command_at(listen: &str, services: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command
        .env_clear()
        .args(["--listen", listen, "--service-token-file", SERVICE_TOKEN_FILE, "--drain", "0"])
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for service in ["flight", "passenger", "auditlog"] {
        command.args([format!("--{service}-api"), services.to_owned()]);
    }
    command
}

pub(crate) struct Gateway {
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
    pub(crate) url: String,
}

/// A gateway whose services are all at this address.
pub(crate) async fn start_at(services: &str, more: &[String]) -> Gateway {
    let mut command = command_at("127.0.0.1:0", services);
    command.args(more);
    start_command(command).await
}

async fn start() -> Gateway {
    start_before(nowhere()).await
}

async fn start_before(services: SocketAddr) -> Gateway {
    start_command(command("127.0.0.1:0", services)).await
}

async fn start_command(mut command: Command) -> Gateway {
    let mut process = command.spawn().unwrap();
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
    /// The next line of its log that says this.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = tokio::time::timeout(LIMIT, self.log.next_line()).await.unwrap().unwrap().expect("a line");
            if line.contains(text) {
                return line;
            }
        }
    }

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
    gateway.line_with("shutting down").await;
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

    let authorities = ["--service-ca-file", "/nowhere/ca.pem"];
    let (code, stderr) = fail(command("127.0.0.1:0", nowhere()).args(authorities)).await;
    assert_eq!((code, stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.contains("cannot use the certificate authorities in /nowhere/ca.pem"), "{stderr}");

    for host in ["flights.example", "8.8.8.8", "134744072", "[2001:db8::1]"] {
        let far = ["--flight-processor", &format!("http://{host}:80")];
        let (code, stderr) = fail(command("127.0.0.1:0", nowhere()).args(far)).await;
        assert_eq!((code, stderr.lines().count()), (Some(1), 1), "{stderr}");
        assert!(stderr.contains(&format!("--allow-plain-http {host}")), "{stderr}");
    }

    let mut without = Command::new(env!("CARGO_BIN_EXE_gateway"));
    without.env_clear().args(["--listen", "127.0.0.1:0"]);
    let services = ["flight", "passenger", "auditlog"].map(|service| format!("--{service}-api=http://{}", nowhere()));
    let (code, stderr) = fail(without.args(services)).await;
    assert_eq!((code, stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.contains("openssl rand -base64 33"), "{stderr}");

    let (code, stderr) = fail(command("127.0.0.1:0", nowhere()).args(["--web-dir", "no/such/folder"])).await;
    assert_eq!(code, Some(2));
    assert!(stderr.contains("there is no index.html in this folder"), "{stderr}");
}

#[tokio::test]
async fn who_is_answered_has_to_be_said_properly() {
    for (setting, value, expected) in [
        ("--public-host", "https://example.com", "must be a name such as app.example.com"),
        ("--public-host", "example.com,a:80", "must be a name such as app.example.com"),
        ("--allowed-origins", "*", "must be an origin such as https://example.com"),
        ("--allowed-origins", "https://example.com/", "must be written as browsers do: https://example.com"),
        ("--idle-timeout", "5", "5 is not in 30..=3600"),
    ] {
        let (code, stderr) = fail(command("127.0.0.1:0", nowhere()).args([setting, value])).await;
        assert_eq!(code, Some(2), "{setting} {value}: {stderr}");
        assert!(stderr.contains(expected), "{setting} {value}: {stderr}");
    }
}

#[tokio::test]
async fn names_come_from_flags_and_variables() {
    let mut given = command("127.0.0.1:0", nowhere());
    given.env("JETBRIDGE_PUBLIC_HOST", "").env("JETBRIDGE_ALLOWED_ORIGINS", "");
    let mut set = command("127.0.0.1:0", nowhere());
    set.env("JETBRIDGE_PUBLIC_HOST", "a.example, b.example");
    set.args(["--allowed-origins", "https://a.example,https://b.example", "--allowed-origins", "https://c.example"]);
    for (command, status, allowed) in [(given, 421, None), (set, 200, Some("https://c.example"))] {
        let gateway = start_command(command).await;
        let request = reqwest::Client::new().get(format!("{}/health/live", gateway.url));
        let answer = request.header("host", "b.example").header("origin", "https://c.example").send().await.unwrap();
        assert_eq!(answer.status(), status);
        let found = answer.headers().get("access-control-allow-origin");
        assert_eq!(found.map(|origin| origin.to_str().unwrap()), allowed);
    }
}

/// A gateway with this limit of open files, as a shell sets it.
#[cfg(target_os = "linux")]
async fn start_with_files(limit: &str, more: &[&str]) -> Gateway {
    let mut limited = Command::new("sh");
    let (run, program) = (format!("ulimit {limit}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_gateway"));
    limited.env_clear().args(["-c", &run, program, "--listen", "127.0.0.1:0"]).args(more);
    limited.args(["--service-token-file", SERVICE_TOKEN_FILE]);
    for service in ["flight", "passenger", "auditlog"] {
        limited.args([format!("--{service}-api"), format!("http://{}", nowhere())]);
    }
    limited.stderr(Stdio::piped()).kill_on_drop(true);
    start_command(limited).await
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn it_may_open_as_many_files_as_the_system_allows() {
    let gateway = start_with_files("-Sn 64", &[]).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", gateway.process.id().unwrap())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let numbers: Vec<_> = files.split_whitespace().skip(3).take(2).collect();
    assert_eq!(numbers[0], numbers[1], "{files}");
    assert_ne!(numbers[0], "64", "{files}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn silent_clients_do_not_use_up_the_files() {
    for more in [&[][..], &["--max-connections", "1000"]] {
        let mut gateway = start_with_files("-n 64", more).await;
        let address = gateway.url.trim_start_matches("http://");
        let mut silent = Vec::new();
        for _ in 0..200 {
            silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
        }
        let answer = tokio::time::timeout(LIMIT, reqwest::get(format!("{}/health/live", gateway.url))).await;
        assert_eq!(answer.expect("an answer in time").unwrap().status(), 200, "{more:?}");
        drop(silent);
        gateway.signal(Signal::SIGTERM);
        let (mut written, mut left_out) = (0, 0);
        while let Some(line) = tokio::time::timeout(LIMIT, gateway.log.next_line()).await.unwrap().unwrap() {
            written += usize::from(line.contains("cannot take a connection"));
            left_out += usize::from(line.contains("a line of the log was left out"));
        }
        assert!(written <= 1 && left_out <= written, "{more:?}: a warning {written} times, {left_out} left out");
    }
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

#[tokio::test]
async fn without_authentication_it_starts_for_this_machine_alone() {
    let (code, stderr) = fail(&mut command("0.0.0.0:0", nowhere())).await;
    assert_eq!(code, Some(1));
    for advice in ["--authentication keys", "keys create", "--published-address", "127.0.0.1"] {
        assert!(stderr.contains(advice), "{advice}: {stderr}");
    }
    let (code, _) = fail(command("127.0.0.1:0", nowhere()).args(["--published-address", "192.0.2.1"])).await;
    assert_eq!(code, Some(1), "it is published for others");
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let _gateway = start_command(command(listen, nowhere())).await;
    }
    let mut published = command("0.0.0.0:0", nowhere());
    published.args(["--published-address", "127.0.0.1"]);
    let _gateway = start_command(published).await;
    for (ways, said) in [("none,keys", "must be none"), ("guests", "must be none"), ("keys", "--access-keys-file")] {
        let (_, stderr) = fail(command("127.0.0.1:0", nowhere()).args(["--authentication", ways])).await;
        assert!(stderr.contains(said), "{ways}: {stderr}");
    }
}

/// What the program says about keys in this file: its exit code, what is for programs, and what is for people.
async fn keys(file: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.env_clear().env("JETBRIDGE_ACCESS_KEYS_FILE", file).arg("keys").args(arguments);
    let Output { status, stdout, stderr } = tokio::time::timeout(LIMIT, command.output()).await.unwrap().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn keys_are_made_listed_and_revoked_by_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access-keys");
    let create = ["create", "--name", "Gate 12", "--role", "agent", "--role", "auditor", "--expires", "90d"];
    let (code, key, _) = keys(&file, &create).await;
    assert_eq!((code, key.trim().len(), key.starts_with("jbk_")), (Some(0), 47, true), "{key}");
    let mut gateway = command("0.0.0.0:0", nowhere());
    gateway.args(["--authentication", "keys", "--access-keys-file"]).arg(&file);
    let gateway = start_command(gateway).await;
    let url = gateway.url.replace("0.0.0.0", "127.0.0.1");
    let me = || reqwest::Client::new().get(format!("{url}/api/me")).bearer_auth(key.trim()).send();
    let known: serde_json::Value = me().await.unwrap().json().await.unwrap();
    assert_eq!(known["subject"], "key:Gate 12");
    assert!(known["until"].is_string(), "{known}");
    let (_, listed, _) = keys(&file, &["list"]).await;
    assert!(listed.contains("Gate 12") && listed.contains("agent,auditor") && !listed.contains("jbk_"), "{listed}");
    for (arguments, said) in [
        (&create[..], "already"),
        (&["create", "--name", "gate 12", "--role", "agent"], "already"),
        (&["create", "--name", "flight-processor", "--role", "agent"], "name of a service"),
        (&["create", "--name", "Gate 13", "--role", "pilot"], "pilot"),
        (&["create", "--name", "Gate 13", "--role", "agent", "--expires", "2020-01-01"], "future"),
        (&["create", "--name", " ", "--role", "agent"], "must be a name"),
        (&["revoke", "Gate 13"], "no key"),
    ] {
        let (code, stdout, stderr) = keys(&file, arguments).await;
        assert!(code != Some(0) && stdout.is_empty() && stderr.contains(said), "{arguments:?}: {stderr}");
    }
    let (code, ..) = keys(&file, &["revoke", "Gate 12"]).await;
    assert_eq!(code, Some(0));
    jetbridge_testing::eventually("it is of no use any more", LIMIT, async || {
        let known: serde_json::Value = me().await.unwrap().json().await.unwrap();
        known["subject"].is_null().then_some(())
    })
    .await;
}

#[tokio::test]
async fn metrics_are_on_a_port_of_their_own_for_the_names_of_the_service() {
    let mut command = command("127.0.0.1:0", nowhere());
    command.args(["--metrics-listen", "127.0.0.1:0"]);
    let mut gateway = start_command(command).await;
    let metrics = gateway.url;
    let address = metrics.strip_suffix("/metrics").unwrap().to_owned();
    let line = tokio::time::timeout(LIMIT, gateway.log.next_line()).await.unwrap().unwrap().unwrap();
    let public = line[line.find("http://").unwrap()..].to_owned();

    // It is nobody's page, and there is none of it at the address for clients.
    assert_eq!(reqwest::get(format!("{public}/metrics")).await.unwrap().status(), 404);
    assert_eq!(reqwest::get(format!("{public}/api/flights")).await.unwrap().status(), 503);
    let answer = reqwest::get(&metrics).await.unwrap();
    assert_eq!(answer.headers()["Content-Type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    for line in [
        "jetbridge_http_requests_total{method=\"GET\",route=\"/api/flights\",service=\"gateway\",status=\"503\"} 1",
        "jetbridge_http_requests_total{method=\"GET\",route=\"/\",service=\"gateway\",status=\"404\"} 1",
        "jetbridge_feeds_open{service=\"gateway\"} 0",
        "# TYPE process_resident_memory_bytes gauge",
        "# TYPE jetbridge_runtime_busy_seconds_total counter",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert_eq!(reqwest::get(format!("{address}/api/flights")).await.unwrap().status(), 404);
    let foreign = reqwest::Client::new().get(&metrics).header("Host", "evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 421);
}

#[tokio::test]
async fn it_shows_how_it_is_set_and_no_secret() {
    let gateway = start().await;
    let answer = reqwest::get(format!("{}/api/admin/configuration", gateway.url)).await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(!text.contains(SERVICE_TOKEN), "{text}");
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let settings = all["processes"][0]["settings"].as_array().unwrap();
    let of = |name: &str| {
        let setting = settings.iter().find(|setting| setting["name"] == name).unwrap();
        (setting["value"].as_str(), setting["source"].as_str())
    };
    assert_eq!(of("--service-token-file"), (Some(SERVICE_TOKEN_FILE), Some("commandLine")));
    assert_eq!(of("--request-limit"), (Some("35"), Some("default")));
    assert_eq!(of("--oidc-client-secret-file"), (None, None));
    assert_eq!(all["unreachable"].as_array().unwrap().len(), 3, "{all}");
}
