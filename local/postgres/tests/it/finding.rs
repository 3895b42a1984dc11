//! Which programs are used, and what is said when there are none.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jetbridge_postgres::{ArchiveDigest, Config, Download, DownloadError, StartError, start};
use tempfile::TempDir;

use crate::support::{offline, open_folder};

/// Programs that know nothing but their version.
fn fake_binaries(dir: &Path, version: &str) -> PathBuf {
    fs::create_dir_all(dir).unwrap();
    let script = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n");
    for name in ["postgres", "initdb"] {
        let program = dir.join(name);
        fs::write(&program, &script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    dir.to_path_buf()
}

#[tokio::test]
async fn without_programs_the_error_says_what_to_install() {
    let folder = open_folder();
    let old = fake_binaries(&folder.path().join("old"), "9.6.24");
    let config =
        Config { binary_dirs: vec![folder.path().join("nothing"), old], ..offline(folder.path().join("postgres")) };
    let error = start(config).await.unwrap_err();
    assert!(matches!(error, StartError::NoBinaries { download: None }));
    let message = error.to_string();
    for part in
        ["apt install postgresql", "dnf install", "brew install", "--database-url", "--download-postgres-sha256"]
    {
        assert!(message.contains(part), "{message}");
    }
}

/// A folder, the data folder in it, and the place of the cluster in that.
fn folder_with_something_precious() -> (TempDir, PathBuf, PathBuf) {
    let folder = open_folder();
    let data_dir = folder.path().join("postgres");
    let cluster = data_dir.join("server/data");
    fs::create_dir_all(&cluster).unwrap();
    fs::write(cluster.join("precious"), "data").unwrap();
    (folder, data_dir, cluster)
}

#[tokio::test]
async fn data_of_another_major_version_is_not_touched() {
    let (folder, data_dir, cluster) = folder_with_something_precious();
    fs::write(cluster.join("PG_VERSION"), "13\n").unwrap();
    let config = Config {
        binary_dirs: vec![
            fake_binaries(&folder.path().join("16"), "16.4"),
            fake_binaries(&folder.path().join("15"), "15.8"),
        ],
        ..offline(&data_dir)
    };
    let error = start(config).await.unwrap_err();
    match &error {
        StartError::OtherMajorVersion { data_major: 13, found, .. } => assert_eq!(found, &[15, 16]),
        other => panic!("{other}"),
    }
    let message = error.to_string();
    assert!(message.contains("PostgreSQL 13") && message.contains("15, 16"));
    assert_eq!(fs::read_to_string(cluster.join("precious")).unwrap(), "data");
    assert_eq!(fs::read_dir(&cluster).unwrap().count(), 2);
}

#[tokio::test]
async fn programs_of_the_version_that_wrote_the_data_are_preferred() {
    let folder = open_folder();
    let data_dir = folder.path().join("postgres");
    start(offline(&data_dir)).await.unwrap().stop().await.unwrap();

    let mut config = offline(&data_dir);
    let newer = fake_binaries(&folder.path().join("99"), "99.1");
    config.binary_dirs.insert(0, newer);
    let postgres = start(config).await.unwrap();
    assert_ne!(postgres.version(), "99.1");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_download_that_was_kept_is_used_again() {
    let folder = open_folder();
    let data_dir = folder.path().join("postgres");
    let postgres = start(offline(&data_dir)).await.unwrap();
    let downloads = postgres.home().join("binaries");
    postgres.stop().await.unwrap();
    let installed = Config::new("unused").binary_dirs.into_iter().find(|dir| dir.join("initdb").exists()).unwrap();
    fs::create_dir(&downloads).unwrap();
    std::os::unix::fs::symlink(installed.parent().unwrap(), downloads.join("17.0.0")).unwrap();
    let config = Config { binary_dirs: Vec::new(), ..offline(&data_dir) };
    let postgres = start(config).await.unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn something_else_in_the_place_of_the_cluster_is_not_touched() {
    let (_folder, data_dir, cluster) = folder_with_something_precious();
    let error = start(offline(&data_dir)).await.unwrap_err();
    assert!(matches!(error, StartError::NotACluster { .. }), "{error}");
    assert!(cluster.join("precious").exists());
}

fn asked(version: &str) -> Download {
    Download { lookup_limit: Duration::ZERO, ..Download::new(version, ArchiveDigest::of(b"any")) }
}

async fn failed_download(config: Config) -> DownloadError {
    match start(config).await.unwrap_err() {
        StartError::NoBinaries { download: Some(error) } => *error,
        StartError::OtherMajorVersion { download: Some(error), .. } => *error,
        other => panic!("{other}"),
    }
}

/// The limit is over before the network is used; what the HTTP client sets up is done by then.
#[tokio::test]
async fn a_download_is_limited_and_leaves_the_cryptography_of_the_process_alone() {
    let folder = open_folder();
    let config =
        Config { binary_dirs: Vec::new(), download: Some(asked("17.5.0")), ..offline(folder.path().join("postgres")) };
    let error = failed_download(config).await;
    assert!(matches!(error, DownloadError::Limit(Duration::ZERO)), "{error:?}");
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn a_download_that_is_of_no_use_is_not_begun() {
    let (_folder, data_dir, cluster) = folder_with_something_precious();
    fs::write(cluster.join("PG_VERSION"), "13\n").unwrap();
    let config = |version| Config { binary_dirs: Vec::new(), download: Some(asked(version)), ..offline(&data_dir) };
    let error = failed_download(config("17.5.0")).await;
    assert!(matches!(error, DownloadError::OtherMajor { needed: 13, .. }), "{error:?}");
    let error = failed_download(config("latest")).await;
    assert!(matches!(error, DownloadError::Version(_)), "{error:?}");
}
