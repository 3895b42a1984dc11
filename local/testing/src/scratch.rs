//! Temporary folders that do not outlive the process, not even when it is killed.

use std::path::Path;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::reaper::Reaper;

/// Reads from a pipe to which nothing is ever written. It ends when this process does.
const REMOVE_AT_END: &str = r#"read -r _; rm -rf "$1""#;

struct Scratch {
    folder: TempDir,
    _remover: Reaper,
}

/// A new temporary folder. It is removed when it is dropped, at the latest when the process has ended.
///
/// # Panics
///
/// When it cannot be created.
pub fn temporary_folder() -> TempDir {
    tempfile::tempdir_in(parent()).expect("a temporary folder")
}

/// The folder of this process, which holds all others.
fn parent() -> &'static Path {
    static SCRATCH: OnceLock<Scratch> = OnceLock::new();
    SCRATCH.get_or_init(Scratch::new).folder.path()
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("jetbridge-test-").tempdir().expect("a temporary folder");
        let remover = Reaper::start(REMOVE_AT_END, [folder.path()]);
        Self { folder, _remover: remover }
    }
}
