//! Why something was not measured.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// What a command of the bench ends with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Sockets, files and processes.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What is read of processes.
    #[error("cannot read what a process takes: {0}")]
    Processes(#[from] procfs::ProcError),
    /// PostgreSQL.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    /// A pool of connections to it.
    #[error("PostgreSQL: {0}")]
    PostgresPool(#[from] deadpool_postgres::PoolError),
    /// The pool itself.
    #[error("the pool of connections to PostgreSQL could not be made")]
    Pool,
    /// PostgreSQL's start.
    #[error("PostgreSQL does not start: {0}")]
    PostgresStart(#[from] jetbridge_postgres::StartError),
    /// PostgreSQL's databases.
    #[error(transparent)]
    Database(#[from] jetbridge_postgres::DatabaseError),
    /// What is written or read as JSON.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A program of ours.
    #[error("{program} could not be started: {source}")]
    Start {
        /// Where it was looked for.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program that ended, or said nothing.
    #[error("{program} has not become ready within {limit:?}; what it said is in {log}", log = log.display())]
    NotReady {
        /// Which.
        program: String,
        /// How long it was given.
        limit: Duration,
        /// Where its log is.
        log: PathBuf,
    },
    /// A build.
    #[error("cargo build has failed: {0}")]
    Build(ExitStatus),
    /// An answer that cannot be read.
    #[error("an answer that cannot be read: {0}")]
    Answer(String),
    /// A thread of the load.
    #[error("a thread that makes the load has ended by itself")]
    Thread,
    /// What was asked for cannot be.
    #[error("{0}")]
    Asked(String),
}
