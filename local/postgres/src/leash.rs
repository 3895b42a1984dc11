//! Child processes that end when this process does, in whatever way it ends.
//!
//! Each runs below a shell that reads from a pipe whose other end is here. Nothing is ever written to it. It closes
//! when we let go, or when the operating system closes it for us.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};

use crate::account::Account;
use crate::error::StopError;
use crate::log::ServerLog;

const KEEPER: &str = include_str!("leash/keeper.sh");
const REMOVER: &str = include_str!("leash/remover.sh");

/// Longer than the keeper takes to try everything up to SIGKILL.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Longer than the remover waits for a server to end, and then tries.
const REMOVE_LIMIT: Duration = Duration::from_secs(20);

/// A command that is stopped when this is dropped, at the latest.
#[derive(Debug)]
pub(crate) struct Leashed {
    keeper: Child,
    pipe: Option<ChildStdin>,
}

impl Leashed {
    /// Runs `program` as `account`, writing to `log`.
    pub(crate) fn spawn(
        account: &Account,
        program: &Path,
        arguments: &[OsString],
        log: &ServerLog,
    ) -> io::Result<Self> {
        let mut command = account.command("/bin/sh");
        command
            .args(["-c", KEEPER, "jetbridge-postgres-keeper"])
            .arg(program)
            .args(arguments)
            .stdout(log.writer()?)
            .stderr(log.writer()?);
        let (keeper, pipe) = spawn_with_pipe(command)?;
        Ok(Self { keeper, pipe })
    }

    /// Waits until the command has ended by itself. Can be cancelled and called again.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.keeper.wait().await
    }

    /// Lets go and waits until the command has ended: SIGINT, then SIGQUIT, then SIGKILL.
    pub(crate) async fn stop(mut self) -> Result<ExitStatus, StopError> {
        drop(self.pipe.take());
        match tokio::time::timeout(STOP_LIMIT, self.keeper.wait()).await {
            Ok(status) => status.map_err(StopError::Wait),
            Err(_) => Err(StopError::Limit { limit: STOP_LIMIT }),
        }
    }
}

/// A folder that is removed when this is dropped, at the latest.
#[derive(Debug)]
pub(crate) struct RemovedAtEnd {
    removers: Vec<(Child, Option<ChildStdin>)>,
}

impl RemovedAtEnd {
    /// Sees to it that `folder` is removed in the end, after a server with this `postmaster.pid` is gone. The folder
    /// need not exist yet.
    ///
    /// It and all that is in it belong to `account`, who removes it. Only the empty folder itself, which may be where
    /// that user cannot write, is left to this process's own user.
    pub(crate) fn watch(folder: &Path, pid_file: &Path, account: &Account) -> io::Result<Self> {
        let mut commands = vec![account.command("/bin/sh")];
        if account.name().is_some() {
            let mut own = Command::new("/bin/sh");
            own.current_dir("/").process_group(0);
            commands.push(own);
        }
        let removers = commands.into_iter().zip(["rm -rf --", "rmdir --"]).map(|(mut command, remove)| {
            command
                .args([OsStr::new("-c"), OsStr::new(REMOVER)])
                .arg("jetbridge-postgres-remover")
                .args([folder, pid_file])
                .arg(remove)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            spawn_with_pipe(command)
        });
        Ok(Self { removers: removers.collect::<io::Result<_>>()? })
    }

    /// Lets go and waits until the folder is gone.
    pub(crate) async fn remove(mut self) -> Result<(), StopError> {
        for (_, pipe) in &mut self.removers {
            drop(pipe.take());
        }
        let removed = async {
            for (remover, _) in &mut self.removers {
                remover.wait().await?;
            }
            Ok(())
        };
        match tokio::time::timeout(REMOVE_LIMIT, removed).await {
            Ok(removed) => removed.map_err(StopError::Wait),
            Err(_) => Err(StopError::Limit { limit: REMOVE_LIMIT }),
        }
    }
}

fn spawn_with_pipe(mut command: Command) -> io::Result<(Child, Option<ChildStdin>)> {
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    // Taken out, since waiting for a child closes its standard input.
    let pipe = child.stdin.take();
    Ok((child, pipe))
}
