//! A server that an earlier process left behind, and the files such a server leaves.

use std::fs;
use std::path::Path;
#[cfg(not(target_os = "linux"))]
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::error::StartError;
use crate::home::Home;

const FAST_LIMIT: Duration = Duration::from_secs(8);
const IMMEDIATE_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// Stops a server that still runs on this home, and removes the files that would keep another one from starting. Only
/// to be called by whoever holds the home's lock.
pub(crate) async fn clear(home: &Home) -> Result<(), StartError> {
    let cluster = home.cluster();
    let pid_file = cluster.join("postmaster.pid");
    if let Some(pid) = recorded_pid(&pid_file)
        && is_server_on(pid, &cluster)
    {
        stop(pid, &cluster).await?;
    }
    // PostgreSQL overwrites such files of a process that is gone, but not when another process has the same number by
    // now.
    remove(&pid_file);
    if let Ok(sockets) = fs::read_dir(home.run()) {
        for socket in sockets.filter_map(Result::ok) {
            remove(&socket.path());
        }
    }
    Ok(())
}

async fn stop(pid: Pid, cluster: &Path) -> Result<(), StartError> {
    info!(postgres.pid = pid.as_raw(), "stopping a PostgreSQL server that an earlier run left behind");
    for (signal, limit) in [(Signal::SIGINT, FAST_LIMIT), (Signal::SIGQUIT, IMMEDIATE_LIMIT)] {
        // An error means that it is gone already; whether it is, is looked at next.
        let _ = kill(pid, signal);
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if !is_server_on(pid, cluster) {
                return Ok(());
            }
            sleep(POLL).await;
        }
    }
    Err(StartError::LeftoverStays { pid: pid.as_raw() })
}

/// The first line of `postmaster.pid`.
fn recorded_pid(pid_file: &Path) -> Option<Pid> {
    let content = fs::read_to_string(pid_file).ok()?;
    let pid: i32 = content.lines().next()?.trim().parse().ok()?;
    (pid > 1).then(|| Pid::from_raw(pid))
}

/// Whether this process is a PostgreSQL server on this cluster, and not some other process that got its number.
fn is_server_on(pid: Pid, cluster: &Path) -> bool {
    let Some(command) = command_line(pid) else {
        return false;
    };
    let mut words = command.split(' ');
    let is_postgres = words.next().is_some_and(|program| program.ends_with("postgres"));
    is_postgres && command.contains(&format!(" -D {} ", cluster.display()))
}

/// The words of a process's command line, with a blank after each. Readable for any user, unlike its working directory.
#[cfg(target_os = "linux")]
fn command_line(pid: Pid) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
}

#[cfg(not(target_os = "linux"))]
fn command_line(pid: Pid) -> Option<String> {
    let output = Command::new("/bin/ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output().ok()?;
    Some(format!("{} ", String::from_utf8_lossy(&output.stdout).trim_end()))
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            warn!(path = %path.display(), %error, "cannot remove what an earlier PostgreSQL server left");
        }
    }
}
