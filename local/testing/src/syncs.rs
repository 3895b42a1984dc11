//! What a program makes durable, seen from between it and the system.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::scratch::temporary_folder;

const SOURCE: &str = include_str!("syncs.c");

/// Watches what a program writes and creates below a folder, and what of it is durable. For Linux, and programs that are
/// linked dynamically; needs a C compiler.
///
/// ```no_run
/// use std::process::Command;
/// use jetbridge_testing::Syncs;
///
/// let syncs = Syncs::below("/some/folder".as_ref());
/// Command::new("program").envs(syncs.environment()).status().unwrap();
/// assert!(syncs.missing().is_empty());
/// ```
#[derive(Debug)]
pub struct Syncs {
    folder: PathBuf,
    log: PathBuf,
    library: PathBuf,
    _own: TempDir,
}

impl Syncs {
    /// Watches this folder, which has to exist.
    ///
    /// # Panics
    ///
    /// When there is no C compiler.
    pub fn below(folder: &Path) -> Self {
        let own = temporary_folder();
        let folder = folder.canonicalize().expect("a folder that exists");
        Self { folder, log: own.path().join("syncs"), library: library().to_path_buf(), _own: own }
    }

    /// What the program needs in its environment.
    pub fn environment(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &self.library), ("JETBRIDGE_TEST_SYNCS", &self.log)]
    }

    /// How often something was made durable so far.
    pub fn count(&self) -> usize {
        self.lines().filter(|(what, _)| *what == 'S').count()
    }

    /// What a power cut would take away or leave as it was before: files that were written, and folders in which
    /// something was created, and that were not synced since. What is only memory, or holds nothing, is left out.
    pub fn missing(&self) -> Vec<PathBuf> {
        let mut missing = BTreeSet::new();
        for (what, path) in self.lines() {
            match what {
                'W' => _ = missing.insert(path),
                'C' => missing.extend(path.parent().map(Path::to_path_buf)),
                _ => _ = missing.remove(&path),
            }
        }
        missing.into_iter().filter(|path| !is_volatile(path)).collect()
    }

    /// What was noted, in order.
    fn lines(&self) -> impl Iterator<Item = (char, PathBuf)> {
        let noted = fs::read_to_string(&self.log).expect("the program has noted something");
        let lines: Vec<_> = noted
            .lines()
            .filter_map(|line| Some((line.chars().next()?, PathBuf::from(line.get(2..)?))))
            .filter(|(_, path)| path.starts_with(&self.folder))
            .collect();
        lines.into_iter()
    }
}

/// The index of a write-ahead log is made anew from it, and a lock is only there to be locked.
fn is_volatile(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with("-shm") || name == "lock"
}

/// The library that is preloaded, compiled once by a process.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let compile = || {
        let folder = temporary_folder();
        let (source, library) = (folder.path().join("syncs.c"), folder.path().join("libsyncs.so"));
        fs::write(&source, SOURCE).expect("a file for the source");
        let compiled = Command::new("cc")
            .args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .output()
            .expect("a C compiler");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        (folder, library)
    };
    &LIBRARY.get_or_init(compile).1
}
