//! What runs with root's rights where root starts it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use jetbridge_testing::{eventually, http, pass_over};
use nix::unistd::{Uid, User};

use crate::system::{LIMIT, System, program, run_command, run_to_end};

const ONLY_ROOT: &str = "only root has rights to give up";

fn is_root() -> bool {
    Uid::effective().is_root()
}

/// The users that the process's threads may act as: real, effective, saved and for files; and its groups.
fn rights_of(pid: i32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let mut found: Vec<String> = tasks
        .flat_map(|task| {
            let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            let lines = status
                .lines()
                .filter(|line| ["Uid:", "Gid:", "Groups:", "CapEff:"].iter().any(|name| line.starts_with(name)));
            lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

fn owner(path: impl AsRef<Path>) -> u32 {
    fs::symlink_metadata(path).unwrap().uid()
}

fn everything_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_path_buf()];
    if fs::symlink_metadata(folder).unwrap().is_dir() {
        found.extend(fs::read_dir(folder).unwrap().flat_map(|entry| everything_in(&entry.unwrap().path())));
    }
    found
}

#[tokio::test]
async fn no_thread_of_a_process_that_root_has_started_keeps_its_rights() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let system = System::start().await;
    let user = owner(system.data_dir().join("postgres/server/data"));
    let rights = rights_of(system.pid());
    assert_eq!(rights.len(), 4, "threads differ, or may act as several: {rights:?}");
    assert!(rights.contains(&format!("Uid: {user} {user} {user} {user}")) && user != 0, "{rights:?}");
    assert!(rights.contains(&"CapEff: 0000000000000000".to_owned()), "{rights:?}");
    for path in everything_in(&system.data_dir()) {
        assert_eq!(owner(&path), user, "{}", path.display());
    }
    assert_eq!(fs::metadata(system.data_dir()).unwrap().mode() & 0o777, 0o700);
}

/// As it was when root kept its rights.
#[tokio::test]
async fn a_data_folder_of_root_goes_on_working() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let mut system = System::start().await;
    let flight = system.api().new_flight().await;
    system.terminate().await;
    let (data_dir, server) = (system.data_dir(), system.data_dir().join("postgres/server"));
    let roots = ["lock", "log/postgresql.log"].map(|name| server.join(name));
    for path in everything_in(&data_dir).iter().filter(|path| !path.starts_with(&server)).chain(&roots) {
        chown(path, Some(0), Some(0)).unwrap();
    }
    fs::set_permissions(&data_dir, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(data_dir.join("events"), Permissions::from_mode(0o755)).unwrap();

    system.restart().await;
    eventually("the flight is there", LIMIT, async || {
        let response = http().get(system.at(&format!("/api/flights/{flight}"))).send().await.ok()?;
        (response.status() == 200).then_some(())
    })
    .await;
    assert!(!rights_of(system.pid()).contains(&"Uid: 0 0 0 0".to_owned()));
    assert_eq!(fs::metadata(data_dir.join("events")).unwrap().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn where_nobody_else_gets_to_the_data_folder_root_says_that_it_stays_root() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let moved = tempfile::tempdir().unwrap();
    let system = System::start_prepared(
        |data_dir| {
            fs::create_dir_all(data_dir).unwrap();
            symlink(moved.path(), data_dir.join("events")).unwrap();
        },
        &[],
    )
    .await;
    assert!(system.stderr().contains("everything runs with root's rights"), "{}", system.stderr());
    assert!(system.stderr().contains("events is a symbolic link"), "{}", system.stderr());
    assert!(moved.path().join("events.db").exists());
    assert!(rights_of(system.pid()).contains(&"Uid: 0 0 0 0".to_owned()));
    assert_eq!(owner(system.data_dir()), 0);
}

#[tokio::test]
async fn root_follows_no_link_in_a_data_folder_of_another_user() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let (data_dir, target) = (folder.path().join("data"), folder.path().join("target"));
    let named = |name| User::from_name(name).ok().flatten();
    let user = named("postgres").or_else(|| named("nobody")).unwrap();
    let start = async || run_to_end(&["--data-dir", &data_dir.to_string_lossy()]).await;
    for (name, is_demo) in [("events", false), ("postgres", false), ("lock", false), ("demo", true)] {
        for path in [&data_dir, &target] {
            fs::create_dir(path).unwrap();
        }
        chown(&data_dir, Some(user.uid.as_raw()), None).unwrap();
        symlink(target.join(if is_demo { "missing" } else { "" }), data_dir.join(name)).unwrap();
        let ended = match is_demo {
            false => start().await,
            true => {
                let mut command = program();
                command.args(["demo", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data_dir);
                run_command(command).await
            }
        };
        assert!(!ended.status.success(), "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains("link"), "{name}: {}", ended.stderr);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "{name}: {}", ended.stderr);
        assert_eq!(owner(&target), 0, "{name}");
        for path in [&data_dir, &target] {
            fs::remove_dir_all(path).unwrap();
        }
    }
}

#[tokio::test]
async fn a_backup_by_root_reads_only_what_the_owner_of_the_events_can_read() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let mut system = System::start().await;
    system.terminate().await;
    let folder = tempfile::tempdir().unwrap();
    let backup = async |name: &str| {
        let mut command = program();
        command.arg("backup").arg(folder.path().join(name)).arg("--data-dir").arg(system.data_dir());
        run_command(command).await
    };
    backup("first").await.assert_ended(0, "backed up");
    let taken = folder.path().join("first/events.db");
    assert_eq!((owner(&taken), fs::metadata(&taken).unwrap().mode() & 0o777), (0, 0o600));

    // Only root gets to the first backup.
    let events = system.data_dir().join("events");
    fs::rename(events.join("events.db"), events.join("aside")).unwrap();
    symlink(&taken, events.join("events.db")).unwrap();
    let refused = backup("second").await;
    assert!(!refused.status.success() && !folder.path().join("second").exists(), "{}", refused.stdout);
    fs::remove_file(events.join("events.db")).unwrap();
    fs::rename(events.join("aside"), events.join("events.db")).unwrap();
    backup("second").await.assert_ended(0, "backed up");

    let mut command = program();
    command.arg("restore").arg(folder.path().join("first")).arg("--data-dir").arg(system.data_dir());
    run_command(command).await.assert_ended(1, "root does not work in the data folder");
}
