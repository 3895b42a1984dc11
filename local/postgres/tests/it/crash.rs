//! What is left when the process that owns the server is killed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use jetbridge_postgres::{Config, start};
use jetbridge_testing::{eventually, is_running};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::{LIMIT, connect, offline, open_folder, server_pid};

const DATA_DIR: &str = "JETBRIDGE_TEST_DATA_DIR";

/// Not a test: what the other tests start as a process of its own, and kill.
#[tokio::test]
#[ignore = "started by other tests"]
#[allow(clippy::print_stdout, reason = "the test that has started it reads it")]
async fn owner_process() {
    let config = match env::var_os(DATA_DIR) {
        Some(data_dir) => offline(PathBuf::from(data_dir)),
        None => Config::ephemeral(),
    };
    let postgres = start(config).await.unwrap();
    println!("home={}", postgres.home().display());
    std::future::pending::<()>().await;
}

fn spawn_owner(data_dir: Option<&Path>) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "crash::owner_process", "--ignored", "--nocapture"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    if let Some(data_dir) = data_dir {
        command.env(DATA_DIR, data_dir);
    }
    command.spawn().unwrap()
}

/// An owner whose server runs, and its home.
async fn running_owner(data_dir: Option<&Path>) -> (Child, PathBuf) {
    let mut owner = spawn_owner(data_dir);
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("the owner ended");
        if let Some((_, home)) = line.split_once("home=") {
            return (owner, PathBuf::from(home));
        }
    }
}

/// A folder, the owner of what is in it, and the owner's home.
async fn kept_by_owner() -> (TempDir, PathBuf, Child, PathBuf) {
    let folder = open_folder();
    let data_dir = folder.path().join("postgres");
    let (owner, home) = running_owner(Some(&data_dir)).await;
    (folder, data_dir, owner, home)
}

/// Another owner works with the data that one has left.
async fn assert_taken_over(data_dir: &Path) {
    let postgres = start(offline(data_dir)).await.unwrap();
    connect(&postgres, "postgres").await;
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_owner_leaves_no_server_behind() {
    let (_folder, data_dir, mut owner, home) = kept_by_owner().await;
    let pid = server_pid(&home).unwrap();
    owner.kill().await.unwrap();
    eventually("the server is gone", LIMIT, async || (!is_running(pid)).then_some(())).await;

    assert_taken_over(&data_dir).await;
}

#[tokio::test]
async fn a_start_right_after_a_kill_takes_over() {
    let (_folder, data_dir, mut owner, _) = kept_by_owner().await;
    owner.kill().await.unwrap();
    assert_taken_over(&data_dir).await;
}

#[tokio::test]
async fn a_server_without_its_keeper_is_replaced() {
    let (_folder, data_dir, mut owner, home) = kept_by_owner().await;
    let orphan = server_pid(&home).unwrap();
    // The keeper is the leader of the server's process group, and runs its watch in the same one.
    let keeper = nix::unistd::getpgid(Some(Pid::from_raw(orphan))).unwrap();
    assert_ne!(keeper, nix::unistd::getpgrp());
    for process in processes_in_group(keeper, orphan) {
        kill(process, Signal::SIGSTOP).unwrap();
    }
    owner.kill().await.unwrap();
    for process in processes_in_group(keeper, orphan) {
        kill(process, Signal::SIGKILL).unwrap();
    }
    assert!(is_running(orphan));

    let postgres = start(offline(&data_dir)).await.unwrap();
    assert!(!is_running(orphan));
    connect(&postgres, "postgres").await;
    postgres.stop().await.unwrap();
}

/// All but the server itself.
fn processes_in_group(group: Pid, server: i32) -> Vec<Pid> {
    let output = std::process::Command::new("ps").args(["-A", "-o", "pid=,pgid="]).output().unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(|n| n.parse::<i32>().unwrap());
            let (pid, pgid) = (numbers.next()?, numbers.next()?);
            (pgid == group.as_raw() && pid != server).then(|| Pid::from_raw(pid))
        })
        .collect()
}

#[tokio::test]
async fn a_killed_owner_of_an_ephemeral_server_leaves_nothing_behind() {
    let (mut owner, home) = running_owner(None).await;
    let pid = server_pid(&home).unwrap();
    owner.kill().await.unwrap();
    eventually("the server is gone", LIMIT, async || (!is_running(pid)).then_some(())).await;
    eventually("its folder is gone", LIMIT, async || (!home.exists()).then_some(())).await;
}

#[tokio::test]
async fn a_kill_while_the_cluster_is_made_does_no_harm() {
    let folder = open_folder();
    let data_dir = folder.path().join("postgres");
    let home = data_dir.join("server");
    let mut owner = spawn_owner(Some(&data_dir));
    eventually("initdb works on a new cluster", LIMIT, async || unfinished_clusters(&home).pop()).await;
    owner.kill().await.unwrap();
    assert!(!home.join("data").exists());

    let postgres = start(offline(&data_dir)).await.unwrap();
    connect(&postgres, "postgres").await;
    assert_eq!(unfinished_clusters(&home), Vec::<PathBuf>::new());
    postgres.stop().await.unwrap();
}

fn unfinished_clusters(home: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(home) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("base").exists() && !path.ends_with("data"))
        .collect()
}

#[tokio::test]
async fn files_of_a_server_long_gone_are_no_obstacle() {
    let folder = open_folder();
    let data_dir = folder.path().join("postgres");
    let postgres = start(offline(&data_dir)).await.unwrap();
    let home = postgres.home().to_path_buf();
    postgres.stop().await.unwrap();

    // Another process, ours, has the number by now.
    let mut bystander = Command::new("sleep").arg("600").kill_on_drop(true).spawn().unwrap();
    let number = i32::try_from(bystander.id().unwrap()).unwrap();
    let stale = format!("{number}\n{}\n", home.join("data").display());
    fs::write(home.join("data/postmaster.pid"), &stale).unwrap();
    fs::write(home.join("run/.s.PGSQL.5432.lock"), &stale).unwrap();
    fs::write(home.join("run/.s.PGSQL.5432"), "").unwrap();

    assert_taken_over(&data_dir).await;
    assert!(bystander.try_wait().unwrap().is_none());
}
