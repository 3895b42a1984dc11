//! Where the files go, depending on who starts the server.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use jetbridge_postgres::{Config, start};
use jetbridge_testing::pass_over;

use crate::support::{connect, is_root, offline, open_folder};

#[tokio::test]
async fn root_runs_the_server_as_somebody_else() {
    if !is_root() {
        return pass_over("only root's server runs as somebody else");
    }
    let folder = open_folder();
    let postgres = start(offline(folder.path().join("postgres"))).await.unwrap();
    assert!(postgres.home().starts_with(folder.path()));
    let owner = fs::metadata(postgres.home().join("data")).unwrap().uid();
    assert_ne!(owner, 0);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn below_a_closed_home_the_files_go_elsewhere_and_are_found_again() {
    if !is_root() {
        return pass_over("only root's server runs as somebody else");
    }
    let closed = open_folder();
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
    let outside = open_folder();
    let data_dir = closed.path().join("jetbridge-data/postgres");
    let config = Config { outside_dir: outside.path().join("jetbridge"), ..offline(&data_dir) };

    let postgres = start(config.clone()).await.unwrap();
    let home = postgres.home().to_path_buf();
    assert!(home.starts_with(outside.path()));
    let location = fs::read_to_string(data_dir.join("server-location")).unwrap();
    assert_eq!(PathBuf::from(location), home);
    postgres.create_database_if_missing("kept").await.unwrap();
    postgres.stop().await.unwrap();

    let postgres = start(config).await.unwrap();
    assert_eq!(postgres.home(), home);
    connect(&postgres, "kept").await;
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_copy_of_a_data_directory_leaves_the_files_elsewhere_to_the_original() {
    if !is_root() {
        return pass_over("only root's server runs as somebody else");
    }
    let (closed, outside) = (open_folder(), open_folder());
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
    let (original, copy, moved) =
        (closed.path().join("original"), closed.path().join("copy"), closed.path().join("moved"));
    let config = |data_dir: &PathBuf| Config { outside_dir: outside.path().join("jetbridge"), ..offline(data_dir) };
    let postgres = start(config(&original)).await.unwrap();
    let home = postgres.home().to_path_buf();
    postgres.create_database_if_missing("kept").await.unwrap();
    postgres.stop().await.unwrap();

    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&original).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let of_copy = start(config(&copy)).await.unwrap();
    assert_ne!(of_copy.home(), home);
    of_copy.create_database_if_missing("anew").await.unwrap();
    of_copy.stop().await.unwrap();

    // One that was moved takes its files with it.
    fs::rename(&original, &moved).unwrap();
    let postgres = start(config(&moved)).await.unwrap();
    assert_eq!(postgres.home(), home);
    connect(&postgres, "kept").await;
    postgres.stop().await.unwrap();
}
