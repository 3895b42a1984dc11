//! Cleaning up after a test process, however it ends.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A process that outlives the test process, if need be, to clean up.
#[derive(Debug)]
pub struct Reaper {
    process: Child,
    _pipe: Option<ChildStdin>,
}

impl Reaper {
    /// A shell runs `script` with these arguments. Its standard input ends with the test process.
    ///
    /// # Panics
    ///
    /// When there is no shell.
    pub fn start<A: AsRef<OsStr>>(script: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        let mut process = Command::new("/bin/sh")
            .args(["-c", script, "jetbridge-test-reaper"])
            .args(arguments)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process that cleans up");
        let pipe = process.stdin.take();
        Self { process, _pipe: pipe }
    }

    /// There is nothing to clean up any more, and what its arguments name may be somebody else's soon.
    pub fn release(&mut self) {
        // An error means that it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
