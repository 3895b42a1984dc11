//! A program that is measured.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;

use super::START_LIMIT;
use crate::failure::Failure;

const STOP_LIMIT: Duration = Duration::from_secs(60);

/// It ends when this is dropped.
pub(super) struct Child {
    name: String,
    process: tokio::process::Child,
    output: Option<ChildStdout>,
    log: PathBuf,
}

pub(super) fn command(program: &Path) -> Command {
    Command::new(program)
}

impl Child {
    /// Its log goes to a file in this folder.
    pub(super) fn spawn(mut command: Command, name: &str, folder: &Path) -> Result<Self, Failure> {
        let log = folder.join(format!("{name}.log"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?).kill_on_drop(true);
        let mut process = command.spawn().map_err(|source| {
            let program = PathBuf::from(command.as_std().get_program());
            Failure::Start { program, source }
        })?;
        let output = process.stdout.take();
        Ok(Self { name: name.to_owned(), process, output, log })
    }

    /// 0 for one that has ended.
    pub(super) fn pid(&self) -> i32 {
        self.process.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default()
    }

    /// The address in the first line that it writes: `http://ADDRESS` at the end.
    pub(super) async fn announced(&mut self) -> Result<SocketAddr, Failure> {
        let output = self.output.take();
        let read = async {
            let mut line = String::new();
            BufReader::new(output?).read_line(&mut line).await.ok()?;
            let (_, address) = line.trim().rsplit_once("http://")?;
            address.parse().ok()
        };
        timeout(START_LIMIT, read).await.ok().flatten().ok_or_else(|| self.not_ready())
    }

    pub(super) fn not_ready(&self) -> Failure {
        Failure::NotReady { program: self.name.clone(), limit: START_LIMIT, log: self.log.clone() }
    }

    /// Asks it to stop, and waits until it has.
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        // A process that has ended by itself is what is wanted.
        let _ = kill(Pid::from_raw(self.pid()), Signal::SIGTERM);
        match timeout(STOP_LIMIT, self.process.wait()).await {
            Ok(ended) => ended.map(drop).map_err(Failure::from),
            Err(_) => Ok(self.process.kill().await?),
        }
    }
}
