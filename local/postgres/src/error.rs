//! What can go wrong, in words for the person at the terminal.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::binaries::MINIMUM_MAJOR;
use crate::download::DownloadError;

const HOW_TO_INSTALL: &str = "\
Install PostgreSQL:
  Debian, Ubuntu     sudo apt install postgresql
  Fedora, RHEL       sudo dnf install postgresql-server
  Arch               sudo pacman -S postgresql
  Alpine             sudo apk add postgresql
  macOS              brew install postgresql@17, or Postgres.app
  Windows            inside WSL, as on Ubuntu
or give the address of a PostgreSQL server of your own with --database-url,
or ask for a download with --download-postgres VERSION --download-postgres-sha256 SHA256, for the archive of this machine at
https://github.com/theseus-rs/postgresql-binaries/releases";

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There are no binaries on this machine, and none were downloaded.
    #[error("PostgreSQL {MINIMUM_MAJOR} or newer was not found on this machine{}.\n{HOW_TO_INSTALL}", Tried(.download))]
    NoBinaries {
        /// Why the download failed; `None` where none was asked for.
        #[source]
        download: Option<Box<DownloadError>>,
    },

    /// The data was written by a major version of which there are no binaries. The data was not touched.
    #[error(
        "the data in {} was written by PostgreSQL {data_major}, but {}{}. Install PostgreSQL {data_major}, or move the \
         data with pg_dump and pg_upgrade (https://www.postgresql.org/docs/current/upgrading.html), or give the \
         address of another server with --database-url. The data was not touched",
        directory.display(), Found(.found), Tried(.download)
    )]
    OtherMajorVersion {
        /// The cluster's folder.
        directory: PathBuf,
        /// The major version that wrote it.
        data_major: u32,
        /// The major versions there are binaries of.
        found: Vec<u32>,
        /// Why the download of the right version failed; `None` where none was asked for.
        #[source]
        download: Option<Box<DownloadError>>,
    },

    /// The folder for the cluster holds something else.
    #[error("{} is not empty and holds no PostgreSQL data; move it away or choose another data directory", .directory.display())]
    NotACluster {
        /// The folder.
        directory: PathBuf,
    },

    /// Another process runs a server on this data.
    #[error("another process is using the PostgreSQL data in {}", .directory.display())]
    InUse {
        /// The server's home.
        directory: PathBuf,
    },

    /// The data belongs to another user, and this process is not root.
    #[error("the PostgreSQL data in {} belongs to {owner}; start as that user or as root", .directory.display())]
    OtherOwner {
        /// The cluster's folder.
        directory: PathBuf,
        /// The owner's name, or number where it has no name.
        owner: String,
    },

    /// Root does not follow links in folders that another user can write to: they may lead anywhere.
    #[error(
        "{} is a symbolic link, or no folder where one should be, in a folder that another user can write to, so root \
         does not use it; remove it, or put what it leads to in its place, by a bind mount for instance",
        .path.display()
    )]
    Link {
        /// The link.
        path: PathBuf,
    },

    /// Where a file should be is something that root cannot write to safely.
    #[error("{} is not a plain file, or has another name somewhere else; remove it", .path.display())]
    NotAFile {
        /// What it is.
        path: PathBuf,
    },

    /// What is in the place of a file or folder of the server belongs to somebody else, and may be anything.
    #[error("{} belongs to {owner}, not to {user}; remove it, or change its owner", .path.display())]
    NotOwn {
        /// The file or folder.
        path: PathBuf,
        /// The owner's name.
        owner: String,
        /// The name of the user that it should belong to.
        user: String,
    },

    /// PostgreSQL refuses to run as root, and there is no other user to run it as.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor a user `nobody`; start as \
         another user, or give the address of a PostgreSQL server of your own with --database-url"
    )]
    NoUnprivilegedUser,

    /// The password file is missing or empty although there is a cluster.
    #[error("{} is missing or empty, but the data in {} needs its password; restore it from a backup", .file.display(), .directory.display())]
    PasswordLost {
        /// The password file.
        file: PathBuf,
        /// The cluster's folder.
        directory: PathBuf,
    },

    /// The server does not accept the password that is kept beside it.
    #[error("PostgreSQL refuses the password in the data directory; it belongs to another installation")]
    PasswordRefused(#[source] tokio_postgres::Error),

    /// `initdb` failed.
    #[error("PostgreSQL's initdb failed: {output}")]
    Initialise {
        /// The end of what it said.
        output: String,
    },

    /// The server ended before it accepted connections.
    #[error("PostgreSQL ended while starting: {output}")]
    Ended {
        /// The end of its log.
        output: String,
    },

    /// The server did not accept connections in time.
    #[error("PostgreSQL did not accept connections within {} s: {output}", .limit.as_secs())]
    NotReady {
        /// The limit.
        limit: Duration,
        /// The end of its log.
        output: String,
    },

    /// A server that an earlier process left behind does not stop.
    #[error("a PostgreSQL server left behind by an earlier run (process {pid}) does not stop; stop it by hand")]
    LeftoverStays {
        /// Its process id.
        pid: i32,
    },

    /// The operating system refused something.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was tried, such as `create`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Why the server could not be stopped in an orderly way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// It was still there at the end of the limit.
    #[error("PostgreSQL did not stop within {} s", .limit.as_secs())]
    Limit {
        /// The limit.
        limit: Duration,
    },
    /// Waiting for it failed.
    #[error("cannot wait for PostgreSQL to stop")]
    Wait(#[source] io::Error),
    /// The task that watches it ended early.
    #[error("the task that watches PostgreSQL is gone")]
    Unwatched(#[source] tokio::task::JoinError),
}

/// Why a database could not be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The server said no, or the connection broke.
    #[error("cannot create the database {name}")]
    Postgres {
        /// The database.
        name: String,
        /// The server's answer.
        #[source]
        source: tokio_postgres::Error,
    },
    /// It took too long.
    #[error("creating the database {name} took longer than {} s", .limit.as_secs())]
    Limit {
        /// The database.
        name: String,
        /// The limit.
        limit: Duration,
    },
}

/// For `map_err`: what was tried, and on which path.
pub(crate) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StartError {
    let path = path.to_path_buf();
    move |source| StartError::Io { action, path, source }
}

struct Tried<'a>(&'a Option<Box<DownloadError>>);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(_) => formatter.write_str(", and downloading it failed"),
            None => Ok(()),
        }
    }
}

struct Found<'a>(&'a [u32]);

impl fmt::Display for Found<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => formatter.write_str("no PostgreSQL was found on this machine"),
            majors => {
                let majors: Vec<String> = majors.iter().map(u32::to_string).collect();
                write!(formatter, "this machine has PostgreSQL {}", majors.join(", "))
            }
        }
    }
}
