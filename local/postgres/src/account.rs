//! The user that PostgreSQL's programs run as.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::unistd::{Uid, User};
use tokio::process::Command;

use crate::error::{StartError, io_error};

const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// Either this process's own user, or another one because this process is root.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    other: Option<User>,
}

impl Account {
    /// Decides who runs the server. A cluster that exists already decides for itself: its owner does.
    pub(crate) fn choose(cluster: Option<&Path>) -> Result<Self, StartError> {
        let owner = match cluster {
            Some(directory) => cluster_owner(directory)?,
            None => None,
        };
        let me = Uid::effective();
        if !me.is_root() {
            return match (owner, cluster) {
                (Some(uid), Some(directory)) if uid != me => {
                    Err(StartError::OtherOwner { directory: directory.to_path_buf(), owner: name_of(uid) })
                }
                _ => Ok(Self { other: None }),
            };
        }
        owner
            .filter(|uid| !uid.is_root())
            .and_then(|uid| User::from_uid(uid).ok().flatten())
            .or_else(|| named("postgres"))
            .or_else(|| named("nobody"))
            .map(|user| Self { other: Some(user) })
            .ok_or(StartError::NoUnprivilegedUser)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.other.as_ref().map(|user| user.name.as_str())
    }

    /// A command that runs as this user, apart from the terminal, and with nothing of our environment that could change
    /// what it does or should stay with us.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        // Without a valid locale, PostgreSQL does not start on macOS.
        command.env("LC_ALL", "C");
        // A process group of its own: Ctrl-C in the terminal is for us, and we decide when the database stops.
        command.process_group(0);
        command.current_dir("/");
        if let Some(user) = &self.other {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    /// Makes a file or folder that we created this user's own.
    pub(crate) fn own(&self, path: &Path) -> Result<(), StartError> {
        match &self.other {
            Some(user) => std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .map_err(io_error("change the owner of", path)),
            None => Ok(()),
        }
    }

    /// Whether this user can go through `directory` and all above it.
    pub(crate) async fn can_enter(&self, directory: &Path) -> bool {
        if self.other.is_none() {
            return true;
        }
        let mut probe = self.command("/bin/sh");
        probe.args(["-c", r#"cd "$1""#, "sh"]).arg(directory);
        probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        matches!(
            tokio::time::timeout(PROBE_LIMIT, probe.status()).await,
            Ok(Ok(status)) if status.success()
        )
    }
}

fn cluster_owner(directory: &Path) -> Result<Option<Uid>, StartError> {
    match directory.metadata() {
        Ok(metadata) => Ok(Some(Uid::from_raw(metadata.uid()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("read", directory)(error)),
    }
}

fn named(name: &str) -> Option<User> {
    User::from_name(name).ok().flatten().filter(|user| !user.uid.is_root())
}

fn name_of(uid: Uid) -> String {
    match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        _ => format!("user {uid}"),
    }
}
