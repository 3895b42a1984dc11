//! Jetbridge as its users have it: the real program, started as a process, and talked to over HTTP.
//!
//! ```ignore
//! #[tokio::test]
//! async fn flights_can_be_created() {
//!     let system = System::shared().await;
//!     system.api().create_flight().send().await.expect(StatusCode::CREATED);
//! }
//! ```
//!
//! - [`System::shared`] is one system for all tests of the process: the choice wherever other tests' flights do no
//!   harm.
//! - [`System::start`] is a system of the test's own, which it may [`kill`](System::kill),
//!   [`terminate`](System::terminate), [`restart`](System::restart). It takes some seconds to start.
//! - [`run_to_end`] is for starts that fail.
//!
//! Nothing is left behind, neither processes nor files, however the test process ends.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jetbridge_testing::{Api, Reaper, is_running};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::sync::{OnceCell, oneshot};
use tokio::time::{sleep, timeout};

/// How long anything may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// How long a system may take to stop.
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Waits for the test process to end, then stops the system and removes its folder.
const REAPER: &str = r#"
read -r _
kill -TERM "$1" 2>/dev/null
tenths=120
while [ "$tenths" -gt 0 ] && kill -0 "$1" 2>/dev/null; do
    sleep 0.1
    tenths=$((tenths - 1))
done
kill -KILL "$1" 2>/dev/null
rm -rf "$2"
"#;

/// A running system, with a data folder of its own and a free port. It is stopped when it is dropped.
pub(crate) struct System {
    url: String,
    arguments: Vec<String>,
    process: Process,
    folder: TempDir,
}

impl System {
    /// The system of all tests of this process that ask for it.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<System> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// A new system, ready.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A new system with more arguments, ready.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        Self::start_prepared(|_| {}, arguments).await
    }

    /// A new system with more arguments, ready, that found a data folder which was prepared for it.
    pub(crate) async fn start_prepared(prepare: impl FnOnce(&Path), arguments: &[&str]) -> Self {
        let folder = open_folder();
        prepare(&data_dir(folder.path()));
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>();
        let mut process = Process::spawn(folder.path(), &arguments);
        let url = process.ready().await;
        Self { url, arguments, process, folder }
    }

    /// Where it is: `http://127.0.0.1:PORT`. Another port after a [`restart`](Self::restart).
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A client of it, with connections of its own.
    pub(crate) fn api(&self) -> Api {
        Api::of_gateway(&self.url)
    }

    /// The address of a path such as `/api/flights`.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The folder with its data.
    pub(crate) fn data_dir(&self) -> PathBuf {
        data_dir(self.folder.path())
    }

    /// What it has written to standard output.
    pub(crate) fn stdout(&self) -> String {
        self.process.stdout.content()
    }

    /// What it has written to standard error, its log among it.
    pub(crate) fn stderr(&self) -> String {
        self.process.stderr.content()
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        self.process.pid().as_raw()
    }

    /// The process id of its private PostgreSQL.
    pub(crate) fn postgres(&self) -> PostgresProcess {
        PostgresProcess::of(&self.data_dir()).expect("a running PostgreSQL")
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.process.pid(), signal).unwrap();
    }

    /// Ends it as a crash does, and waits until it has ended. The data stays.
    pub(crate) async fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        let ended = self.ended().await;
        assert_eq!(ended.status.signal(), Some(Signal::SIGKILL as i32), "{}", ended.stderr);
    }

    /// Asks it to stop, and waits until it has. The data stays.
    pub(crate) async fn terminate(&mut self) -> Ended {
        self.signal(Signal::SIGTERM);
        self.ended().await
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> Ended {
        self.process.ended().await
    }

    /// Starts it again on the same data, after killing it if it still runs. It is ready then, on another port.
    pub(crate) async fn restart(&mut self) {
        if self.process.is_running() {
            self.kill().await;
        }
        self.process = Process::spawn(self.folder.path(), &self.arguments);
        self.url = self.process.ready().await;
    }

    /// Starts it again on the same data as [`restart`](Self::restart) does, without waiting until it is ready.
    pub(crate) fn start_again(&mut self) {
        assert!(!self.process.is_running());
        self.process = Process::spawn(self.folder.path(), &self.arguments);
    }
}

/// How a process has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// From when it was waited for.
    pub(crate) took: Duration,
}

impl Ended {
    /// Asserts how the process ended, and that it said this.
    #[track_caller]
    pub(crate) fn assert_ended(&self, code: i32, said: &str) {
        let Self { status, stdout, stderr, .. } = self;
        assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
        assert!(stdout.contains(said) || stderr.contains(said), "{said:?} is not said: {stdout}{stderr}");
    }

    /// Asserts that the process refused to start, with one line that says all of `said`, and maybe advice below it.
    #[track_caller]
    pub(crate) fn assert_failed(&self, said: &[&str]) {
        assert_eq!(self.status.code(), Some(1), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        let error = self.stderr.lines().find(|line| line.starts_with("error: "));
        let error = error.unwrap_or_else(|| panic!("no error line: {}", self.stderr));
        for said in said {
            assert!(error.contains(said), "{said:?} is not said: {}", self.stderr);
        }
    }
}

/// Runs the program with an empty folder, until it ends by itself.
pub(crate) async fn run_to_end(arguments: &[&str]) -> Ended {
    let folder = open_folder();
    let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>();
    Process::spawn(folder.path(), &arguments).ended().await
}

/// Runs one of the program's other commands until it ends.
pub(crate) async fn run_command(mut command: Command) -> Ended {
    let begin = Instant::now();
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    Ended { status: output.status, stdout, stderr, took: begin.elapsed() }
}

/// The program, without settings from this process's environment.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jetbridge"));
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"JETBRIDGE_") {
            command.env_remove(name);
        }
    }
    command
}

/// A folder that every user can go through: root's PostgreSQL runs as another user.
fn open_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("jetbridge-test-").tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

fn data_dir(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// A started program.
struct Process {
    child: Child,
    first_line: Option<oneshot::Receiver<String>>,
    stdout: Output,
    stderr: Output,
    reaper: Reaper,
}

impl Process {
    /// Later arguments win over the port and the folder that are chosen here.
    fn spawn(folder: &Path, arguments: &[String]) -> Self {
        let mut child = program()
            .args(defaults(folder, arguments))
            .args(arguments)
            .current_dir(folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let reaper = Reaper::start(REAPER, [child.id().to_string().as_ref(), folder.as_os_str()]);
        let (sender, first_line) = oneshot::channel();
        let stdout = Output::collect(child.stdout.take().unwrap(), Some(sender));
        let stderr = Output::collect(child.stderr.take().unwrap(), None);
        Self { child, first_line: Some(first_line), stdout, stderr, reaper }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the line that says where it is.
    async fn ready(&mut self) -> String {
        let line = self.first_line.take().expect("is waited for once");
        let Ok(line) = timeout(LIMIT, line).await else {
            panic!("not ready within {LIMIT:?}: {}", self.stderr.content());
        };
        let Ok(line) = line else {
            let ended = self.ended().await;
            panic!("ended before it was ready: {}", ended.stderr);
        };
        let url = line.strip_prefix("Jetbridge is ready at ");
        url.unwrap_or_else(|| panic!("not the ready line: {line}")).to_owned()
    }

    async fn ended(&mut self) -> Ended {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < LIMIT, "does not end: {}", self.stderr.content());
            sleep(Duration::from_millis(5)).await;
        };
        let took = begin.elapsed();
        self.reaper.release();
        Ended { status, stdout: self.stdout.all(), stderr: self.stderr.all(), took }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It stops in an orderly way here, too: its folder is removed next.
        let deadline = Instant::now() + STOP_LIMIT;
        let mut asked = false;
        while let Ok(None) = self.child.try_wait() {
            if !asked {
                let _ = kill(self.pid(), Signal::SIGTERM);
                asked = true;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.reaper.release();
    }
}

fn defaults(folder: &Path, arguments: &[String]) -> Vec<String> {
    let folder = data_dir(folder).to_string_lossy().into_owned();
    let defaults = [("--listen", "127.0.0.1:0"), ("--data-dir", &folder)];
    let missing = defaults.into_iter().filter(|(flag, _)| !arguments.iter().any(|given| given == flag));
    missing.flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]).collect()
}

/// What a process writes.
struct Output {
    content: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn collect(from: impl Read + Send + 'static, mut first_line: Option<oneshot::Sender<String>>) -> Self {
        let content = Arc::new(Mutex::new(String::new()));
        let collected = Arc::clone(&content);
        let reader = thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                {
                    let mut content = collected.lock().unwrap();
                    content.push_str(&line);
                    content.push('\n');
                }
                if let Some(first_line) = first_line.take() {
                    // Nobody may be waiting for it.
                    let _ = first_line.send(line);
                }
            }
        });
        Self { content, reader: Some(reader) }
    }

    /// What there is so far.
    fn content(&self) -> String {
        self.content.lock().unwrap().clone()
    }

    /// Everything, of a process that has ended.
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.content()
    }
}

/// The private PostgreSQL of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PostgresProcess(i32);

impl PostgresProcess {
    /// What runs on the data in this folder, if anything does.
    pub(crate) fn of(data_dir: &Path) -> Option<Self> {
        let pid_file = fs::read_to_string(data_dir.join("postgres/server/data/postmaster.pid")).ok()?;
        let pid = pid_file.lines().next()?.trim().parse().ok()?;
        Some(Self(pid)).filter(Self::is_running)
    }

    pub(crate) fn is_running(&self) -> bool {
        is_running(self.0)
    }
}
