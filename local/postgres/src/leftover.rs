//! A server that an earlier process left behind, and the files such a server leaves.

use std::ffi::OsStr;
#[cfg(target_os = "linux")]
use std::fs;
#[cfg(target_os = "linux")]
use std::os::unix::fs::MetadataExt;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::path::PathBuf;
#[cfg(not(target_os = "linux"))]
use std::process::Command;
use std::time::Duration;

use nix::unistd::{Pid, Uid};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::account::Account;
use crate::error::StartError;
use crate::folder::Folder;
use crate::home::HomeFolders;

/// Where a server writes its number, in its cluster.
const PID_FILE: &str = "postmaster.pid";

const FAST_LIMIT: Duration = Duration::from_secs(8);
const IMMEDIATE_LIMIT: Duration = Duration::from_secs(5);
const SIGNAL_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// Stops a server that still runs on this home, and removes the files that would keep another one from starting. Only
/// to be called by whoever holds the home's lock.
pub(crate) async fn clear(home: &HomeFolders, account: &Account) -> Result<(), StartError> {
    if let Some(cluster) = home.cluster()? {
        if let Some(pid) = recorded_pid(&cluster)
            && is_server_on(pid, cluster.path(), account)
        {
            stop(pid, cluster.path(), account).await?;
        }
        // PostgreSQL overwrites such files of a process that is gone, but not when another process has the same number
        // by now.
        remove(&cluster, PID_FILE);
    }
    for socket in home.run.names()? {
        remove(&home.run, socket);
    }
    Ok(())
}

async fn stop(pid: Pid, cluster: &Path, account: &Account) -> Result<(), StartError> {
    info!(postgres.pid = pid.as_raw(), "stopping a PostgreSQL server that an earlier run left behind");
    for (signal, limit) in [("INT", FAST_LIMIT), ("QUIT", IMMEDIATE_LIMIT)] {
        // As the user that runs the server, who also writes the file with the number: it has to be one of its own. A
        // failure means that it is gone already; whether it is, is looked at next.
        account.succeeds(r#"kill -s "$1" "$2""#, [signal, &pid.to_string()], SIGNAL_LIMIT).await;
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if !is_server_on(pid, cluster, account) {
                return Ok(());
            }
            sleep(POLL).await;
        }
    }
    Err(StartError::LeftoverStays { pid: pid.as_raw() })
}

/// The first line of `postmaster.pid`. Without one that can be read there is no server to stop.
fn recorded_pid(cluster: &Folder) -> Option<Pid> {
    let content = cluster.read(PID_FILE).ok()??;
    let pid: i32 = str::from_utf8(&content).ok()?.lines().next()?.trim().parse().ok()?;
    (pid > 1).then(|| Pid::from_raw(pid))
}

/// Whether this process is a PostgreSQL server of this user on this cluster, and not some other process that got its
/// number.
fn is_server_on(pid: Pid, cluster: &Path, account: &Account) -> bool {
    let Some((owner, command)) = process(pid) else {
        return false;
    };
    let mut words = command.split(' ');
    let is_postgres = words.next().is_some_and(|program| program.ends_with("postgres"));
    owner == account.uid() && is_postgres && command.contains(&format!(" -D {} ", cluster.display()))
}

/// A process's owner, and the words of its command line, with a blank after each. Readable for any user, unlike its
/// working directory.
#[cfg(target_os = "linux")]
fn process(pid: Pid) -> Option<(Uid, String)> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let owner = fs::metadata(&folder).ok()?.uid();
    let bytes = fs::read(folder.join("cmdline")).ok()?;
    Some((Uid::from_raw(owner), String::from_utf8_lossy(&bytes).replace('\0', " ")))
}

#[cfg(not(target_os = "linux"))]
fn process(pid: Pid) -> Option<(Uid, String)> {
    let pid = pid.to_string();
    let output = Command::new("/bin/ps").args(["-ww", "-o", "uid=", "-o", "command=", "-p", &pid]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (owner, command) = text.trim().split_once(' ')?;
    Some((Uid::from_raw(owner.parse().ok()?), format!("{} ", command.trim_start())))
}

fn remove(folder: &Folder, name: impl AsRef<OsStr>) {
    if let Err(error) = folder.remove(&name) {
        let path = folder.path().join(name.as_ref());
        warn!(path = %path.display(), %error, "cannot remove what an earlier PostgreSQL server left");
    }
}
