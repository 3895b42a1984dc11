//! The cluster on disk: which version wrote it, and making a new one.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString};
use tracing::{info, warn};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::{StartError, io_error};
use crate::home::{Home, random_name, sync_parent, write_new};
use crate::leash::Leashed;
use crate::log::ServerLog;

/// The only role.
pub(crate) const ROLE: &str = "jetbridge";

const PASSWORD_LENGTH: usize = 32;
const INITDB_LIMIT: Duration = Duration::from_secs(120);
const UNFINISHED: &str = "data.new-";

/// The major version that wrote the cluster, or `None` where there is no cluster yet.
pub(crate) fn major_version(cluster: &Path) -> Result<Option<u32>, StartError> {
    let not_a_cluster = || StartError::NotACluster { directory: cluster.to_path_buf() };
    match fs::read_to_string(cluster.join("PG_VERSION")) {
        Ok(version) => {
            // Before 10, a major version was two numbers, such as 9.6.
            let major = version.trim().split('.').next().unwrap_or_default();
            major.parse().map(Some).map_err(|_| not_a_cluster())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let empty = match fs::read_dir(cluster) {
                Ok(mut entries) => entries.next().is_none(),
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            };
            if empty { Ok(None) } else { Err(not_a_cluster()) }
        }
        Err(error) => Err(io_error("read", &cluster.join("PG_VERSION"))(error)),
    }
}

/// The password of this installation, made on the first start. Letters and digits only.
pub(crate) fn password(data_dir: &Path, cluster_exists: Option<&Path>) -> Result<String, StartError> {
    let file = data_dir.join("password");
    let kept = match fs::read_to_string(&file) {
        Ok(password) => password.trim().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(io_error("read", &file)(error)),
    };
    match cluster_exists {
        _ if !kept.is_empty() => Ok(kept),
        Some(cluster) => Err(StartError::PasswordLost { file, directory: cluster.to_path_buf() }),
        None => {
            let password = new_password();
            write_new(&file, password.as_bytes(), 0o600).map_err(io_error("write", &file))?;
            Ok(password)
        }
    }
}

pub(crate) fn new_password() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), PASSWORD_LENGTH)
}

/// What `initdb` needs to know.
pub(crate) struct Initialise<'a> {
    pub(crate) binaries: &'a Binaries,
    pub(crate) account: &'a Account,
    pub(crate) home: &'a Home,
    pub(crate) log: &'a ServerLog,
    pub(crate) password: &'a str,
    pub(crate) durable: bool,
}

impl Initialise<'_> {
    /// Makes a cluster. It is built beside its place and renamed when it is complete, so an interruption leaves nothing
    /// that looks like a cluster.
    pub(crate) async fn run(&self) -> Result<(), StartError> {
        self.remove_unfinished();
        let unfinished = self.home.root().join(format!("{UNFINISHED}{}", random_name()));
        let password_file = unfinished.with_extension("password");
        write_new(&password_file, self.password.as_bytes(), 0o600).map_err(io_error("write", &password_file))?;
        self.account.own(&password_file)?;

        // Sorting by bytes is fast and never changes with the system's library; letters beyond ASCII are still letters.
        // Not every system has C.UTF-8.
        let mut outcome = Ok(());
        for locale in [&["--locale=C", "--lc-ctype=C.UTF-8"][..], &["--no-locale"]] {
            outcome = self.initdb(&unfinished, &password_file, locale).await;
            if outcome.is_ok() {
                break;
            }
        }
        let _ = fs::remove_file(&password_file);
        outcome?;

        let cluster = self.home.cluster();
        fs::rename(&unfinished, &cluster)
            .and_then(|()| sync_parent(&cluster))
            .map_err(io_error("rename", &unfinished))?;
        info!(
            postgres.version = self.binaries.version,
            postgres.data = %cluster.display(),
            "made a new PostgreSQL cluster"
        );
        Ok(())
    }

    async fn initdb(&self, target: &Path, password_file: &Path, locale: &[&str]) -> Result<(), StartError> {
        let mut arguments: Vec<OsString> = vec!["-D".into(), target.into()];
        arguments.extend(["-U".into(), ROLE.into()]);
        let mut password_argument = OsString::from("--pwfile=");
        password_argument.push(password_file);
        arguments.push(password_argument);
        arguments.extend(
            ["--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions"].map(OsString::from),
        );
        arguments.extend(locale.iter().map(OsString::from));
        if !self.durable {
            arguments.push("--no-sync".into());
            // Nobody else gets into the folder of the socket, and hashing passwords slowly is most of a short
            // connection.
            arguments.push("--auth-local=trust".into());
        }

        let program = self.binaries.initdb();
        let before = self.log.position();
        let mut initdb =
            Leashed::spawn(self.account, &program, &arguments, self.log).map_err(io_error("run", &program))?;
        match tokio::time::timeout(INITDB_LIMIT, initdb.ended()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(_)) => Err(StartError::Initialise { output: self.log.tail(before) }),
            Ok(Err(error)) => Err(io_error("wait for", &program)(error)),
            Err(_) => {
                let _ = initdb.stop().await;
                Err(StartError::Initialise { output: format!("it took longer than {} s", INITDB_LIMIT.as_secs()) })
            }
        }
    }

    /// What an interrupted start left.
    fn remove_unfinished(&self) {
        for path in unfinished_in(self.home.root()) {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Ok(()) => info!(path = %path.display(), "removed what an interrupted start left"),
                Err(error) => {
                    warn!(path = %path.display(), %error, "cannot remove what an interrupted start left");
                }
            }
        }
    }
}

fn unfinished_in(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED))
        .map(|entry| entry.path())
        .collect()
}
