//! Other processes, as the system sees them.

use std::process::Command;

/// Whether a process runs. One that has ended and that nobody has asked about yet does not.
///
/// # Panics
///
/// When `ps` is not there.
pub fn is_running(process: i32) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &process.to_string()]).output().expect("ps");
    let state = String::from_utf8_lossy(&output.stdout);
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}
