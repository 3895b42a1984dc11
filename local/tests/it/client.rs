//! The program as a client of a server: `jetbridge flights`, `passengers`, `audit`.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use jetbridge_testing::{TestAuthority, TestProxy, TlsFront, eventually, temporary_folder, unique, unknown_id};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::system::{Ended, LIMIT, System, program, run_command};

/// The program, asking this server.
fn client(server: &str, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).args(["--server", server]).env("TZ", "UTC");
    command
}

async fn run(server: &str, arguments: &[&str]) -> Ended {
    run_command(client(server, arguments)).await
}

/// What it answers to programs.
async fn json(server: &str, arguments: &[&str]) -> Value {
    let ended = run(server, &[arguments, &["--json"]].concat()).await;
    assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {}", ended.stderr);
    assert_eq!(ended.stderr, "");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn id(answer: &Value) -> &str {
    answer["id"].as_str().unwrap()
}

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_flight_is_created_filled_and_brought_home() {
    let system = System::shared().await;
    let (url, number) = (system.url(), unique()[..8].to_owned());
    let create = ["flights", "create", "--flight-number", &number, "--origin", "HAM", "--destination", "Oslo"];
    let flight = json(url, &create).await;
    let flight_id = id(&flight);
    let at = "2026-05-01T12:30:00+02:00";
    let corrected = json(url, &["flights", "correct", flight_id, "--scheduled-departure", at]).await;
    assert_eq!(
        [&corrected["flightNumber"], &corrected["destination"], &corrected["scheduledDeparture"]],
        [number.as_str(), "Oslo", at]
    );

    let mut passengers = Vec::new();
    for name in ["Ada", "Grace", "Zoë"] {
        passengers
            .push(id(&json(url, &["passengers", "add", "--flight-id", flight_id, "--name", name]).await).to_owned());
    }
    let [ada, grace, zoe] = [0, 1, 2].map(|index| passengers[index].as_str());
    json(url, &["passengers", "rename", zoe, "--name", "Zoë O'Hara"]).await;
    json(url, &["passengers", "offload", zoe, "--reason", "no-show"]).await;
    let boarded = run(url, &["passengers", "board", ada, grace, "--json"]).await;
    assert_eq!(boarded.stdout.lines().count(), 2, "{}", boarded.stdout);

    let list = run(url, &["passengers", "list", "--flight-id", flight_id]).await.stdout;
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["ID", "FLIGHT", "NAME", "STATUS"]);
    assert_eq!(rows[3], [zoe, flight_id, "Zoë", "O'Hara", "offloaded"]);
    let first = json(url, &["passengers", "list", "--flight-id", flight_id, "--limit", "2"]).await;
    let next = first["next"].as_str().unwrap();
    let rest = json(url, &["passengers", "list", "--flight-id", flight_id, "--after", next]).await;
    assert_eq!((first["items"].as_array().unwrap().len(), id(&rest["items"][0])), (2, zoe));

    for (action, status) in [("disembark", "disembarked"), ("land", "arrived")] {
        assert_eq!(json(url, &["flights", action, flight_id]).await["status"], status);
    }
    let shown = run(url, &["flights", "show", flight_id]).await.stdout;
    assert!(shown.contains("2026-05-01 10:30:00+00:00"), "{shown}");
    let recorded = json(url, &["audit", "list", "--flight-id", flight_id, "--event-type", "FlightLanded"]).await;
    assert_eq!(recorded["items"].as_array().unwrap().len(), 1, "{recorded}");
    run(url, &["flights", "delete", flight_id]).await.assert_ended(0, "is deleted");
    run(url, &["flights", "show", flight_id]).await.assert_ended(1, "(flight-not-found)");
}

#[tokio::test]
async fn how_it_ends_says_what_became_of_it() {
    let system = System::shared().await;
    let (url, nobody) = (system.url(), unknown_id());
    let refused = run(url, &["passengers", "board", &nobody]).await;
    refused.assert_ended(1, "(passenger-not-found)");
    assert_eq!(refused.stdout, "");
    run(url, &["flights", "list", "--status", "lost"]).await.assert_ended(1, "  status: must be");
    run(url, &["flights", "show", "../admin"]).await.assert_ended(2, "invalid value '../admin'");
    run(url, &["flights", "correct", &nobody]).await.assert_ended(2, "--destination");
    run("http://127.0.0.1:1", &["flights", "list", "--retry-for", "0"]).await.assert_ended(3, "cannot be reached");
    let mut unencrypted = client("http://jetbridge.example", &["flights", "list"]);
    unencrypted.env("JETBRIDGE_ACCESS_KEY", "jbk_0123");
    let refused = run_command(unencrypted).await;
    refused.assert_ended(2, "would be readable");
    assert!(!refused.stderr.contains("jbk_"), "{}", refused.stderr);
    let script = run_command({
        let mut command = program();
        command.args(["completions", "bash"]);
        command
    });
    script.await.assert_ended(0, "jetbridge__subcmd__flights");
}

#[tokio::test]
async fn a_command_whose_answer_is_lost_is_repeated_and_done_once() {
    let system = System::shared().await;
    let proxy = TestProxy::start(address(system.url())).await;
    proxy.hold_answers(true);
    let number = unique()[..8].to_owned();
    let create = ["flights", "create", "--flight-number", &number, "--origin", "HAM", "--destination", "Oslo"];
    let running = tokio::spawn(run_command(client(&format!("http://{}", proxy.address()), &create)));
    let found = format!("/api/flights?text={number}");
    eventually("it is created", LIMIT, async || !system.api().whole(&found).await.is_empty()).await;
    proxy.cut();
    proxy.hold_answers(false);
    proxy.mend();
    running.await.unwrap().assert_ended(0, &number);
    assert_eq!(system.api().whole(&found).await.len(), 1);
}

/// Answers one request after the other, and gives what was asked.
async fn serve(listener: TcpListener, answers: Vec<&'static str>) -> Vec<String> {
    let mut asked = Vec::new();
    for answer in answers {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = connection.read(&mut request).await.unwrap();
        asked.push(String::from_utf8_lossy(&request[..length]).to_lowercase());
        connection.write_all(answer.as_bytes()).await.unwrap();
    }
    asked
}

#[tokio::test]
async fn the_key_is_shown_and_the_command_repeated_when_the_server_says_so() {
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const LOST: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n{";
    const WRONG: &str = "HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(serve(listener, vec![LOST, BUSY, WRONG]));
    let folder = temporary_folder();
    let file = folder.path().join("key");
    std::fs::write(&file, "jbk_0123\n").unwrap();
    let ended = run(&server, &["flights", "land", &unknown_id(), "--access-key-file", file.to_str().unwrap()]).await;
    ended.assert_ended(4, "401");
    assert!(ended.stderr.contains("was not answered"), "{}", ended.stderr);
    let asked = timeout(LIMIT, serving).await.unwrap().unwrap();
    let header = |asked: &String, name: &str| {
        asked.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
    };
    let keys: Vec<_> = asked.iter().map(|asked| header(asked, "idempotency-key:")).collect();
    assert!(!keys[0].is_empty() && keys.iter().all(|key| *key == keys[0]), "{asked:?}");
    assert!(asked.iter().all(|asked| header(asked, "authorization:") == "bearer jbk_0123"), "{asked:?}");
}

#[tokio::test]
async fn a_command_that_may_be_done_ends_with_the_key_to_repeat_it() {
    const LOST: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n{";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(serve(listener, vec![LOST; 3]));
    let flight = unknown_id();
    let land = async |key: &[&str]| {
        let ended = run(&server, &[&["flights", "land", &flight, "--retry-for", "0"], key].concat()).await;
        ended.assert_ended(5, "may have been carried out or not");
        assert_eq!(ended.stdout, "");
        let (_, key) = ended.stderr.split_once("repeat it with --idempotency-key '").unwrap();
        key.split_once('\'').unwrap().0.to_owned()
    };
    let key = land(&[]).await;
    assert_eq!(land(&["--idempotency-key", &key]).await, key);
    assert_eq!(land(&["--idempotency-key", "landing-7"]).await, "landing-7");
    let asked = timeout(LIMIT, serving).await.unwrap().unwrap();
    let known_by = |asked: &str| asked.lines().find(|line| line.starts_with("idempotency-key:")).unwrap().to_owned();
    assert_eq!(known_by(&asked[0]), known_by(&asked[1]), "the server knows it by the same key");
}

#[tokio::test]
async fn a_signal_ends_it_before_the_answer_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let mut command = client(&server, &["flights", "list"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
    let (_unanswered, _) = timeout(LIMIT, listener.accept()).await.expect("a request in time").unwrap();
    kill(Pid::from_raw(child.id().unwrap().cast_signed()), Signal::SIGINT).unwrap();
    let ended = timeout(LIMIT, child.wait_with_output()).await.expect("its end in time").unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("interrupted") && ended.stdout.is_empty(), "{ended:?}");
}

#[tokio::test]
async fn https_is_spoken_with_those_whom_the_system_trusts() {
    let system = System::shared().await;
    let authority = TestAuthority::new();
    let front = TlsFront::of_server(address(system.url()), &authority, "localhost").await;
    let url = format!("https://localhost:{}", front.port());
    let with = |file: std::path::PathBuf| {
        let mut command = client(&url, &["flights", "list", "--limit", "1", "--json", "--retry-for", "0"]);
        command.env("SSL_CERT_FILE", file).env_remove("SSL_CERT_DIR");
        run_command(command)
    };
    with(authority.file()).await.assert_ended(0, "\"items\"");
    with(TestAuthority::new().file()).await.assert_ended(3, "certificate");
}

/// Somebody who follows the audit log.
struct Follower {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Follower {
    fn start(server: &str, arguments: &[&str]) -> Self {
        let mut command = client(server, &[&["audit", "follow", "--json"], arguments].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn next(&mut self) -> Value {
        let line = timeout(LIMIT, self.lines.next_line()).await.expect("an entry in time").unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

#[tokio::test]
async fn who_follows_misses_nothing_when_the_connection_breaks_and_ends_when_told_to() {
    let system = System::shared().await;
    let api = system.api();
    let proxy = TestProxy::start(address(system.url())).await;
    let flight = api.new_flight().await;
    let newest = api.get(&format!("/api/auditlog/all?flightId={flight}&limit=1")).send().await;
    let before = newest.body["next"].as_str().unwrap();
    let mut follower =
        Follower::start(&format!("http://{}", proxy.address()), &["--flight-id", &flight, "--after", before]);
    api.new_passenger(&flight).await;
    assert_eq!(follower.next().await["eventType"], "PassengerCheckedIn");
    proxy.cut();
    api.new_passenger(&flight).await;
    proxy.mend();
    assert_eq!(follower.next().await["eventType"], "PassengerCheckedIn");
    api.delete_flight(&flight).send().await;
    assert_eq!(follower.next().await["eventType"], "FlightDeleted");
    kill(Pid::from_raw(follower.child.id().unwrap().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(timeout(LIMIT, follower.child.wait()).await.unwrap().unwrap().code(), Some(0));
}
