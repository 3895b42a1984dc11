//! Who may read what the event store keeps.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jetbridge_eventstore::{Access, copy_log};

use crate::frames::write;
use crate::support::TestServer;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("changed");
}

/// The names and modes of the files in a folder.
fn files(folder: &Path) -> Vec<(String, u32)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut files: Vec<_> =
        entries.map(|entry| (entry.file_name().into_string().expect("text"), mode(&entry.path()))).collect();
    files.sort();
    files
}

fn private(names: &[&str]) -> Vec<(String, u32)> {
    names.iter().map(|name| ((*name).to_owned(), 0o600)).collect()
}

const FILES: [&str; 4] = ["events.db", "events.db-shm", "events.db-wal", "lock"];

#[tokio::test]
async fn what_is_written_down_is_for_the_owner_alone() {
    let above = tempfile::tempdir().expect("a temporary folder");
    let folder = above.path().join("new").join("events");
    let server = TestServer::start_with(|config| config.data_dir = folder.clone()).await;
    write(&server, "s", 3).await;
    assert_eq!((mode(&folder), mode(&above.path().join("new"))), (0o700, 0o700));
    assert_eq!(files(&folder), private(&FILES));
    let copy = tempfile::tempdir().expect("a temporary folder");
    copy_log(&folder, copy.path()).expect("copied");
    assert_eq!(files(copy.path()), private(&["events.db"]));
}

#[tokio::test]
async fn a_folder_from_before_is_closed_to_others() {
    let mut server = TestServer::start().await;
    write(&server, "s", 3).await;
    server.stop().await;
    let folder = server.folder().to_owned();
    set_mode(&folder, 0o755);
    for (name, _) in files(&folder) {
        set_mode(&folder.join(name), 0o644);
    }
    server.start_again().await;
    write(&server, "s", 1).await;
    assert_eq!((mode(&folder), files(&folder)), (0o700, private(&FILES)));
}

/// Others need what else is in it, as they need a folder for everybody's temporary files.
#[tokio::test]
async fn a_folder_that_serves_for_something_else_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("notes"), "for everybody").expect("written");
    set_mode(&folder.path().join("notes"), 0o644);
    set_mode(folder.path(), 0o1777);
    let path = folder.path().to_owned();
    let mut server = TestServer::start_on(folder, Access::Everything).await;
    write(&server, "s", 1).await;
    server.restart().await;
    write(&server, "s", 1).await;
    let notes = vec![("notes".to_owned(), 0o644)];
    assert_eq!((mode(&path), files(&path)), (0o1777, [private(&FILES), notes].concat()));
}
