//! A private PostgreSQL server for one machine: found or downloaded, initialised, started, watched, restarted, stopped.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = jetbridge_postgres::Config::new("jetbridge-data/postgres");
//! let postgres = jetbridge_postgres::start(config).await?;
//! postgres.create_database_if_missing("flight").await?;
//! let (client, connection) = postgres.config("flight").connect(tokio_postgres::NoTls).await?;
//! # drop((client, connection));
//! postgres.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Files
//!
//! | path | |
//! |---|---|
//! | `<data dir>/password` | the password of this installation's only role, mode 0600 |
//! | `<data dir>/server/` | the server's home: `data`, `log`, `run` (the socket), `binaries` (a download), `lock` |
//! | `<data dir>/server-location` | only where the home had to be somewhere else: its path. A copy of the data directory gets a home of its own |
//!
//! PostgreSQL refuses to run as root. Started by root, its programs run as the user `postgres`, or `nobody` where there
//! is none, and the server's home belongs to that user. Root follows no links in there, changes no file in there but its
//! own, and leaves the rest to programs that run as that user. Where that user cannot reach the data directory (below a closed
//! home such as `/root`), the home is made in [`Config::outside_dir`] instead, and `server-location` says where.
//!
//! # Nothing stays behind
//!
//! The server runs below a small shell process that holds one end of a pipe. However this process ends, the pipe
//! closes, and the shell stops PostgreSQL. A server that was left behind all the same is stopped by the next start.

mod account;
mod binaries;
mod cluster;
mod config;
mod download;
mod endpoint;
mod error;
mod folder;
mod home;
mod leash;
mod leftover;
mod log;
mod postgres;
mod server;
mod supervisor;

pub use config::{Config, Download, Storage};
pub use download::{ArchiveDigest, DownloadError, InvalidDigest};
pub use error::{DatabaseError, StartError, StopError};
pub use postgres::{Postgres, start, user_of};
