//! Finding PostgreSQL's programs on this machine.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tracing::debug;

use crate::account::Account;

/// The oldest major version that will do.
pub(crate) const MINIMUM_MAJOR: u32 = 14;

const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// A folder with PostgreSQL's programs.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    pub(crate) dir: PathBuf,
    pub(crate) major: u32,
    /// The whole version, for people.
    pub(crate) version: String,
}

impl Binaries {
    pub(crate) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    pub(crate) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    /// Asks the programs in `dir`, as the user who is to run them, for their version. `None` means that they are of no
    /// use.
    pub(crate) async fn probe(dir: &Path, account: &Account) -> Option<Self> {
        if !dir.join("postgres").is_file() || !dir.join("initdb").is_file() {
            return None;
        }
        let mut command = account.command(dir.join("postgres"));
        command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
        let output = match tokio::time::timeout(VERSION_LIMIT, command.output()).await {
            Ok(Ok(output)) if output.status.success() => output,
            unusable => {
                debug!(binaries.dir = %dir.display(), ?unusable, "PostgreSQL programs that do not run are passed over");
                return None;
            }
        };
        let (major, version) = parse_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { dir: dir.to_path_buf(), major, version })
    }
}

/// The usable sets in `dirs`, in that order.
pub(crate) async fn find(dirs: &[PathBuf], account: &Account) -> Vec<Binaries> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for dir in dirs {
        if !seen.insert(dir) {
            continue;
        }
        if let Some(binaries) = Binaries::probe(dir, account).await
            && binaries.major >= MINIMUM_MAJOR
        {
            found.push(binaries);
        }
    }
    found
}

/// `PATH`, then where Debian, Red Hat, SUSE, Homebrew and Postgres.app put PostgreSQL, newest versions first.
pub(crate) fn usual_dirs() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    // A relative entry would let the current directory decide which program runs.
    dirs.retain(|dir| dir.is_absolute());
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/usr/lib", "postgresql"),
        ("/usr/libexec", "postgresql"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql@"),
        ("/Applications/Postgres.app/Contents/Versions", ""),
    ] {
        dirs.extend(versions_in(Path::new(parent), prefix));
    }
    dirs
}

/// The `bin` folders of `<parent>/<prefix><version>`, newest version first.
fn versions_in(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path()))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions
        .into_iter()
        // Alpine has the programs right in the folder.
        .flat_map(|(_, path)| [path.join("bin"), path])
        .collect()
}

/// Reads `postgres (PostgreSQL) 17.5 (Debian 17.5-1)`.
fn parse_version(output: &str) -> Option<(u32, String)> {
    let (_, rest) = output.split_once("(PostgreSQL)")?;
    let version = rest.split_whitespace().next()?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((digits.parse().ok()?, version.to_owned()))
}

#[cfg(test)]
mod tests;
