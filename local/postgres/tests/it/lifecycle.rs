//! Start, use, stop, and start again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use jetbridge_postgres::{Config, StartError, start};
use jetbridge_testing::{eventually, is_running};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{LIMIT, connect, offline, open_folder, server_pid, try_connect};

#[tokio::test]
async fn data_and_password_survive_a_stop_and_a_start() {
    let folder = open_folder();
    let data_dir = folder.path().join("postgres");

    let postgres = start(offline(&data_dir)).await.unwrap();
    postgres.create_database_if_missing("flight").await.unwrap();
    postgres.create_database_if_missing("flight").await.unwrap();
    let client = connect(&postgres, "flight").await;
    client.batch_execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)").await.unwrap();
    let url = postgres.url("flight");
    let password = data_dir.join("password");
    fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
    let pid = server_pid(postgres.home()).unwrap();
    let before = Instant::now();
    postgres.stop().await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(5));
    assert!(!is_running(pid));

    let postgres = start(offline(&data_dir)).await.unwrap();
    assert_eq!(postgres.url("flight"), url);
    assert_eq!(fs::metadata(&password).unwrap().permissions().mode() & 0o777, 0o600);
    let client = connect(&postgres, "flight").await;
    let row = client.query_one("SELECT id FROM kept", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 42);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn the_server_is_private_and_keeps_statements_out_of_its_log() {
    let folder = open_folder();
    let data_dir = folder.path().join("postgres");
    let postgres = start(offline(&data_dir)).await.unwrap();

    let mode = fs::metadata(data_dir.join("password")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut wrong = postgres.config("postgres");
    wrong.password("wrong");
    assert!(try_connect(&wrong).await.is_err());

    let config = tokio_postgres::Config::from_str(&postgres.url("postgres")).unwrap();
    let client = try_connect(&config).await.unwrap();
    for (setting, expected) in [
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("log_statement", "none"),
    ] {
        let row = client.query_one("SELECT current_setting($1)", &[&setting]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), expected, "{setting}");
    }
    client.batch_execute("CREATE TABLE person (name text UNIQUE); INSERT INTO person VALUES ('Ada')").await.unwrap();
    client.batch_execute("INSERT INTO person VALUES ('Ada')").await.unwrap_err();
    client.query("SELECT $1::text::int", &[&"Ada"]).await.unwrap_err();
    let home = postgres.home().to_path_buf();
    postgres.stop().await.unwrap();
    let log = fs::read_to_string(home.join("log/postgresql.log")).unwrap();
    assert!(log.contains("database system is ready"), "{log}");
    assert!(!log.contains("Ada"), "{log}");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let folder = open_folder();
    let data_dir = folder.path().join("postgres");
    let postgres = start(offline(&data_dir)).await.unwrap();
    let error = start(offline(&data_dir)).await.unwrap_err();
    assert!(matches!(error, StartError::InUse { .. }), "{error}");
    connect(&postgres, "postgres").await;
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_dies_is_restarted_at_the_same_address() {
    let folder = open_folder();
    let postgres = start(offline(folder.path().join("postgres"))).await.unwrap();
    let config = postgres.config("postgres");
    let killed = server_pid(postgres.home()).unwrap();
    kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap();
    eventually("the server runs again", LIMIT, async || {
        let pid = server_pid(postgres.home())?;
        (pid != killed && try_connect(&config).await.is_ok()).then_some(())
    })
    .await;
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn dropping_the_handle_stops_the_server() {
    let folder = open_folder();
    let postgres = start(offline(folder.path().join("postgres"))).await.unwrap();
    let pid = server_pid(postgres.home()).unwrap();
    drop(postgres);
    eventually("the server is gone", LIMIT, async || (!is_running(pid)).then_some(())).await;
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_no_obstacle() {
    let folder = open_folder();
    let data_dir = folder.path().join("long".repeat(30));
    let postgres = start(offline(&data_dir)).await.unwrap();
    let client = connect(&postgres, "postgres").await;
    let row = client.query_one("SELECT current_setting('listen_addresses')", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "127.0.0.1");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn an_ephemeral_server_leaves_nothing() {
    let postgres = start(Config::ephemeral()).await.unwrap();
    connect(&postgres, "postgres").await;
    let home = postgres.home().to_path_buf();
    let pid = server_pid(&home).unwrap();
    postgres.stop().await.unwrap();
    assert!(!home.exists());
    assert!(!is_running(pid));
}
