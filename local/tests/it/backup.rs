use std::fs;
use std::path::Path;
use std::process::Command;

use jetbridge_testing::temporary_folder;
use reqwest::StatusCode;

use crate::system::{Ended, System, program, run_command};

fn command(name: &str, backup: &Path, data_dir: &Path) -> Command {
    let mut command = program();
    command.arg(name).arg(backup).arg("--data-dir").arg(data_dir);
    command
}

async fn run(name: &str, backup: &Path, data_dir: &Path) -> Ended {
    run_command(command(name, backup, data_dir)).await
}

#[tokio::test]
async fn a_backup_of_a_running_system_is_restored_with_all_that_was_acknowledged() {
    let folder = temporary_folder();
    let (backup, system) = (folder.path().join("backups/monday"), System::start().await);
    let api = system.api();
    let key = "made before the backup";
    let created = api.create_flight().key(key).send().await.expect(StatusCode::CREATED);
    let (departed, _) = api.new_departed().await;
    let (landed, _) = api.new_landed().await;
    run("backup", &backup, &system.data_dir()).await.assert_ended(0, "backed up");
    let lost = api.new_flight().await;

    let restore = async |data_dir: &Path| run("restore", &backup, data_dir).await;
    let mut restored = None;
    let system = System::start_prepared(
        |data_dir| restored = Some(command("restore", &backup, data_dir).output().unwrap()),
        &[],
    )
    .await;
    assert!(restored.unwrap().status.success());
    let api = system.api();
    // The key is remembered, and the flight goes on.
    assert_eq!(api.create_flight().key(key).send().await.expect(StatusCode::CREATED).id(), created.id());
    let newest = api.land(&departed).send().await.expect(StatusCode::OK).position();
    let flights = api.walk("/api/flights", 100, &newest).await;
    let ids: Vec<_> = flights.iter().map(|flight| flight["id"].as_str().unwrap()).collect();
    for kept in [&created.id(), &departed, &landed] {
        assert!(ids.contains(&kept.as_str()), "{kept}: {ids:?}");
    }
    assert!(!ids.contains(&lost.as_str()));
    let mut verify = program();
    verify.arg("verify").arg("--data-dir").arg(system.data_dir());
    run_command(verify).await.assert_ended(0, "no violation");

    // Nothing is put where something is.
    restore(&system.data_dir()).await.assert_ended(1, "another Jetbridge process is using");
    let used = temporary_folder();
    fs::write(used.path().join("something"), "").unwrap();
    restore(used.path()).await.assert_ended(1, "is not empty");
    run("backup", used.path(), &system.data_dir()).await.assert_ended(1, "is not empty");
    run("backup", &backup, &system.data_dir()).await.assert_ended(1, "is not empty");
}

#[tokio::test]
async fn a_backup_that_was_damaged_is_not_restored() {
    let (folder, mut system) = (temporary_folder(), System::start().await);
    let backup = folder.path().join("backup");
    system.api().new_flight().await;
    // One that is stopped is backed up as well.
    system.terminate().await;
    run("backup", &backup, &system.data_dir()).await.assert_ended(0, "backed up");
    let log = backup.join("events.db");
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).unwrap();
    let data_dir = folder.path().join("data");
    let refused = run("restore", &backup, &data_dir).await;
    refused.assert_ended(1, "its events are not those that were backed up");
    let left: Vec<_> = fs::read_dir(&data_dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);

    let none = run("restore", &data_dir, &folder.path().join("other")).await;
    none.assert_ended(1, "is not a backup that this version can read");
    let nothing = run("backup", &folder.path().join("second"), &data_dir).await;
    nothing.assert_ended(1, "there is no event log");
    assert!(!folder.path().join("second").exists());
}
