//! The user that PostgreSQL's programs run as.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::fchown;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::unistd::{Uid, User};
use tokio::process::Command;

use crate::error::StartError;
use crate::folder::Folder;

const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// Either this process's own user, or another one because this process is root.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    other: Option<User>,
}

impl Account {
    /// Decides who runs the server. A home that exists already decides for itself: its owner does.
    pub(crate) fn choose(home: Option<&Folder>) -> Result<Self, StartError> {
        let me = Uid::effective();
        if !me.is_root() {
            return match home {
                Some(home) if home.owner() != me => {
                    Err(StartError::OtherOwner { directory: home.path().to_path_buf(), owner: name_of(home.owner()) })
                }
                _ => Ok(Self { other: None }),
            };
        }
        home.map(Folder::owner)
            .filter(|uid| !uid.is_root())
            .and_then(|uid| User::from_uid(uid).ok().flatten())
            .or_else(|| named("postgres"))
            .or_else(|| named("nobody"))
            .map(|user| Self { other: Some(user) })
            .ok_or(StartError::NoUnprivilegedUser)
    }

    /// The number of this user.
    pub(crate) fn uid(&self) -> Uid {
        self.other.as_ref().map_or_else(Uid::effective, |user| user.uid)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.other.as_ref().map(|user| user.name.as_str())
    }

    /// The user, unless it is this process's own.
    pub(crate) fn other(self) -> Option<User> {
        self.other
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

    /// Makes an open file or folder this user's own.
    pub(crate) fn own(&self, opened: impl AsFd) -> io::Result<()> {
        match &self.other {
            Some(user) => fchown(opened, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
            None => Ok(()),
        }
    }

    /// Whether this user can go through `directory` and all above it.
    pub(crate) async fn can_enter(&self, directory: &Path) -> bool {
        self.other.is_none() || self.succeeds(r#"cd "$1""#, [directory], PROBE_LIMIT).await
    }

    /// Runs a line of the shell as this user, and answers whether it succeeds within the limit.
    pub(crate) async fn succeeds<A: AsRef<OsStr>>(
        &self,
        line: &str,
        arguments: impl IntoIterator<Item = A>,
        limit: Duration,
    ) -> bool {
        let mut shell = self.command("/bin/sh");
        shell.args(["-c", line, "sh"]).args(arguments);
        shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        matches!(tokio::time::timeout(limit, shell.status()).await, Ok(Ok(status)) if status.success())
    }
}

fn named(name: &str) -> Option<User> {
    User::from_name(name).ok().flatten().filter(|user| !user.uid.is_root())
}

/// The name of a user, or its number where it has none.
pub(crate) fn name_of(uid: Uid) -> String {
    match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        _ => format!("user {uid}"),
    }
}
