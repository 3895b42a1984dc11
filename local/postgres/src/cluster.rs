//! The cluster on disk: which version wrote it, and making a new one.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString};
use tracing::{info, warn};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::{StartError, io_error};
use crate::folder::{Folder, PRIVATE};
use crate::home::{HomeFolders, random_name};
use crate::leash::Leashed;
use crate::log::ServerLog;

/// The only role.
pub(crate) const ROLE: &str = "jetbridge";

const PASSWORD_LENGTH: usize = 32;
const INITDB_LIMIT: Duration = Duration::from_secs(120);
const UNFINISHED: &str = "data.new-";
/// The file with the password, in the data directory.
const PASSWORD: &str = "password";
const REMOVE_LIMIT: Duration = Duration::from_secs(60);

/// The major version that wrote the cluster, or `None` where there is no cluster yet.
pub(crate) fn major_version(cluster: Option<&Folder>) -> Result<Option<u32>, StartError> {
    let Some(cluster) = cluster else { return Ok(None) };
    let not_a_cluster = || StartError::NotACluster { directory: cluster.path().to_path_buf() };
    match cluster.read("PG_VERSION")? {
        Some(version) => {
            let version = String::from_utf8_lossy(&version);
            // Before 10, a major version was two numbers, such as 9.6.
            let major = version.trim().split('.').next().unwrap_or_default();
            major.parse().map(Some).map_err(|_| not_a_cluster())
        }
        None if cluster.names()?.is_empty() => Ok(None),
        None => Err(not_a_cluster()),
    }
}

/// The password of this installation, made on the first start. Letters and digits only.
pub(crate) fn password(data_dir: &Folder, cluster_exists: Option<&Path>) -> Result<String, StartError> {
    let kept = data_dir.read_secret(PASSWORD)?.unwrap_or_default();
    let kept = String::from_utf8_lossy(&kept).trim().to_owned();
    match cluster_exists {
        _ if !kept.is_empty() => Ok(kept),
        Some(cluster) => {
            Err(StartError::PasswordLost { file: data_dir.path().join(PASSWORD), directory: cluster.to_path_buf() })
        }
        None => {
            let password = new_password();
            data_dir.write(PASSWORD, password.as_bytes(), PRIVATE, None)?;
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
    pub(crate) home: &'a HomeFolders,
    pub(crate) log: &'a ServerLog,
    pub(crate) password: &'a str,
    pub(crate) durable: bool,
}

impl Initialise<'_> {
    /// Makes a cluster. It is built beside its place and renamed when it is complete, so an interruption leaves nothing
    /// that looks like a cluster.
    pub(crate) async fn run(&self) -> Result<(), StartError> {
        self.remove_unfinished().await?;
        let home = &self.home.root;
        let name = format!("{UNFINISHED}{}", random_name());
        let password_name = format!("{name}.password");
        home.write(&password_name, self.password.as_bytes(), PRIVATE, Some(self.account))?;
        let (unfinished, password_file) = (home.path().join(&name), home.path().join(&password_name));

        // Sorting by bytes is fast and never changes with the system's library; letters beyond ASCII are still letters.
        // Not every system has C.UTF-8.
        let mut outcome = Ok(());
        for locale in [&["--locale=C", "--lc-ctype=C.UTF-8"][..], &["--no-locale"]] {
            outcome = self.initdb(&unfinished, &password_file, locale).await;
            if outcome.is_ok() {
                break;
            }
        }
        let _ = home.remove(&password_name);
        outcome?;

        self.home.place_cluster(&name)?;
        info!(
            postgres.version = self.binaries.version,
            postgres.home = %home.path().display(),
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

    /// What an interrupted start left. It belongs to the user that runs the server, who removes it.
    async fn remove_unfinished(&self) -> Result<(), StartError> {
        let home = &self.home.root;
        let names = home.names()?;
        for name in names.iter().filter(|name| name.as_bytes().starts_with(UNFINISHED.as_bytes())) {
            let path = home.path().join(name);
            if self.account.succeeds(r#"rm -rf -- "$1""#, [&path], REMOVE_LIMIT).await {
                info!(path = %path.display(), "removed what an interrupted start left");
            } else {
                warn!(path = %path.display(), "cannot remove what an interrupted start left");
            }
        }
        Ok(())
    }
}
