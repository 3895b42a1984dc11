//! Nothing is left when the test process ends, however it ends.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jetbridge_testing::{TestDatabase, eventually, temporary_folder};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const ENDING: &str = "JETBRIDGE_TEST_ENDING";
const LIMIT: Duration = Duration::from_secs(20);

/// Not a test: what the others start as a process of its own.
#[tokio::test]
#[ignore = "started by other tests"]
#[allow(clippy::print_stdout, reason = "the test that has started it reads it")]
async fn test_process() {
    let database = TestDatabase::create().await;
    let row = database.client().await.query_one("SELECT current_setting('data_directory')", &[]).await.unwrap();
    let folder = temporary_folder();
    fs::write(folder.path().join("file"), "content").unwrap();
    println!("\nfolder={}", folder.path().display());
    println!("folder={}", row.get::<_, String>(0));
    match env::var(ENDING).as_deref() {
        Ok("returns") => {}
        Ok("panics") => panic!("as it should"),
        _ => std::future::pending().await,
    }
}

struct TestProcess {
    process: Child,
    /// Held, for the test harness does not end well when nobody listens.
    output: Lines<BufReader<ChildStdout>>,
}

impl TestProcess {
    fn start(ending: &str) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "process_end::test_process", "--ignored", "--nocapture"])
            .env(ENDING, ending)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, output }
    }

    /// What the next folder is in that the process says it has.
    async fn folder(&mut self) -> PathBuf {
        loop {
            let line = self.output.next_line().await.unwrap().expect("the process ended early");
            if let Some(folder) = line.strip_prefix("folder=") {
                return Path::new(folder).parent().unwrap().to_path_buf();
            }
        }
    }
}

async fn assert_gone(folders: [PathBuf; 2]) {
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with("jetbridge-"), "{name}");
        eventually(&format!("{name} is gone"), LIMIT, async || !folder.exists()).await;
    }
}

#[tokio::test]
async fn after_success() {
    let mut test = TestProcess::start("returns");
    let folders = [test.folder().await, test.folder().await];
    assert!(test.process.wait().await.unwrap().success());
    assert_gone(folders).await;
}

#[tokio::test]
async fn after_a_panic() {
    let mut test = TestProcess::start("panics");
    let folders = [test.folder().await, test.folder().await];
    assert!(!test.process.wait().await.unwrap().success());
    assert_gone(folders).await;
}

#[tokio::test]
async fn after_a_kill() {
    let mut test = TestProcess::start("waits");
    let folders = [test.folder().await, test.folder().await];
    assert!(folders.iter().all(|folder| folder.exists()));
    test.process.kill().await.unwrap();
    assert_gone(folders).await;
}
