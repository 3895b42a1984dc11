//! Starting a browser, and ending it whatever happens.

use std::env;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use jetbridge_testing::{Reaper, eventually};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, Uid};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use super::LIMIT;

/// How long a browser may take to start on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
const START_ATTEMPTS: usize = 5;
const CLOSE_LIMIT: Duration = Duration::from_secs(10);
const REMOVAL_ATTEMPTS: usize = 100;
const REMOVAL_PAUSE: Duration = Duration::from_millis(10);
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Waits for the test process to end, then ends the browser and removes its folder.
const REAPER: &str = r#"
read -r _
kill -KILL "-$1" 2>/dev/null
tenths=20
while [ "$tenths" -gt 0 ] && ! rm -rf "$2" 2>/dev/null; do
    sleep 0.1
    tenths=$((tenths - 1))
done
"#;

/// Where the browser and its driver are.
pub(super) struct Program {
    driver: PathBuf,
    browser: PathBuf,
}

impl Program {
    pub(super) fn find() -> Option<Self> {
        Some(Self { driver: in_path("chromedriver")?, browser: NAMES.into_iter().find_map(in_path)? })
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A browser with a folder of its own. It ends when it is dropped, at the latest with the test process.
pub(super) struct Chromium {
    client: Client,
    session: String,
    driver: Driver,
}

impl Chromium {
    pub(super) async fn start(program: &Program) -> Self {
        let (driver, url) = Driver::start(&program.driver).await;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(&program.browser, driver.folder.path()));
        let client = match timeout(START_LIMIT, builder.connect(&url)).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => panic!("the browser does not start: {error}\n{}", driver.output()),
            Err(_) => panic!("the browser does not start in time\n{}", driver.output()),
        };
        let id = client.session_id().await.unwrap().expect("a session");
        Self { client, session: format!("{url}/session/{id}"), driver }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The address of the session, for commands that not all browsers know.
    pub(super) fn session(&self) -> &str {
        &self.session
    }

    /// Ends the browser in an orderly way.
    pub(super) async fn close(self) {
        // It is killed otherwise.
        let _ = timeout(CLOSE_LIMIT, self.client.close()).await;
        drop(self.driver);
    }
}

fn capabilities(browser: &Path, folder: &Path) -> Map<String, Value> {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let mut arguments = vec!["--headless", "--window-size=1280,900", "--disable-dev-shm-usage", &profile];
    if Uid::effective().is_root() {
        arguments.push("--no-sandbox");
    }
    let capabilities = json!({
        "browserName": "chrome",
        // A page that opens an alert can do nothing else, so the test fails.
        "unhandledPromptBehavior": "ignore",
        "timeouts": {"pageLoad": LIMIT.as_millis(), "script": START_LIMIT.as_millis()},
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {"binary": browser, "args": arguments},
    });
    match capabilities {
        Value::Object(capabilities) => capabilities,
        _ => unreachable!(),
    }
}

/// The program that drives one browser. Both are one group of processes.
struct Driver {
    process: Child,
    folder: TempDir,
    reaper: Reaper,
}

impl Driver {
    /// A driver, and where it listens.
    async fn start(program: &Path) -> (Self, String) {
        let mut output = String::new();
        for _ in 0..START_ATTEMPTS {
            let mut driver = Self::spawn(program);
            if let Some(url) = driver.url().await {
                return (driver, url);
            }
            output = driver.output();
        }
        panic!("chromedriver does not start: {output}");
    }

    fn spawn(program: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("jetbridge-test-browser-").tempdir().unwrap();
        let home = folder.path();
        let output = File::create(home.join("output")).unwrap();
        let process = Command::new(program)
            .arg("--port=0")
            .envs(["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"].map(|name| (name, home)))
            .current_dir(home)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let reaper = Reaper::start(REAPER, [process.id().to_string().as_ref(), home.as_os_str()]);
        Self { process, folder, reaper }
    }

    /// What it and the browser have written.
    fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("output")).unwrap_or_default()
    }

    /// Where it listens, once it says so. It gives up where somebody else has the port that it has found.
    async fn url(&mut self) -> Option<String> {
        eventually("chromedriver says its port", START_LIMIT, async || {
            let has_ended = self.process.try_wait().unwrap().is_some();
            let output = self.output();
            let port = output.split_once("started successfully on port ").and_then(|(_, rest)| rest.split_once('.'));
            match port {
                Some((port, _)) => Ok(Some(format!("http://127.0.0.1:{port}"))),
                None if has_ended => Ok(None),
                None => Err(output),
            }
        })
        .await
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // An error means that all have ended already.
        let _ = killpg(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGKILL);
        let _ = self.process.wait();
        // What was just killed may still be putting a file there.
        for _ in 0..REMOVAL_ATTEMPTS {
            match fs::remove_dir_all(self.folder.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => thread::sleep(REMOVAL_PAUSE),
                _ => break,
            }
        }
        self.reaper.release();
    }
}
