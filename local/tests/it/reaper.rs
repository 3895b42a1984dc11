//! Cleaning up after a test process, however it ends.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A process that outlives the test process, if need be, to clean up.
pub(crate) struct Reaper {
    process: Child,
    _pipe: Option<ChildStdin>,
}

impl Reaper {
    /// `script` gets the process id of `child` and `folder`. Its standard input ends with the test process.
    pub(crate) fn watch(script: &str, child: &Child, folder: &Path) -> Self {
        let mut process = Command::new("/bin/sh")
            .args(["-c", script, "jetbridge-test-reaper", &child.id().to_string()])
            .arg(folder)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pipe = process.stdin.take();
        Self { process, _pipe: pipe }
    }

    /// There is nothing to end any more, and the process id may be somebody else's soon.
    pub(crate) fn release(&mut self) {
        // An error means that it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
