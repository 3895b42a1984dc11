//! What the tests share.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jetbridge_postgres::{Config, Postgres};
use tokio_postgres::{Client, NoTls};

pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A temporary folder that every user can go through, as a data directory's parent usually is.
pub(crate) fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Programs of this machine only, so that the tests run offline.
pub(crate) fn offline(data_dir: impl Into<PathBuf>) -> Config {
    Config::new(data_dir)
}

pub(crate) fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

pub(crate) async fn connect(postgres: &Postgres, database: &str) -> Client {
    try_connect(&postgres.config(database)).await.unwrap()
}

pub(crate) async fn try_connect(config: &tokio_postgres::Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The process id in `postmaster.pid`.
pub(crate) fn server_pid(home: &Path) -> Option<i32> {
    let content = fs::read_to_string(home.join("data/postmaster.pid")).ok()?;
    content.lines().next()?.trim().parse().ok()
}
