//! One server process: its settings, its start, and whether it is ready.

use std::ffi::OsString;
use std::fs::File;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::endpoint::Endpoint;
use crate::error::{StartError, io_error};
use crate::home::{Home, HomeFolders};
use crate::leash::Leashed;
use crate::leftover;
use crate::log::ServerLog;

const READY_POLL: Duration = Duration::from_millis(25);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The database that every cluster has.
pub(crate) const MAINTENANCE_DATABASE: &str = "postgres";

const SETTINGS: &[&str] = &[
    "cluster_name=jetbridge",
    "shared_buffers=64MB",
    "password_encryption=scram-sha-256",
    "jit=off",
    // Statements and their errors carry personal data, so the log holds only what concerns the server itself.
    "log_destination=stderr",
    "logging_collector=off",
    "log_statement=none",
    "log_min_duration_statement=-1",
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
    "log_checkpoints=off",
    "log_autovacuum_min_duration=-1",
    "log_timezone=UTC",
    "timezone=UTC",
];

/// For data that nobody will miss.
const EPHEMERAL_SETTINGS: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    // It may be kept in memory.
    "max_wal_size=128MB",
    "min_wal_size=32MB",
];

/// Everything that it takes to start the server, again and again.
pub(crate) struct Server {
    pub(crate) account: Account,
    pub(crate) binaries: Binaries,
    pub(crate) home: Home,
    pub(crate) folders: HomeFolders,
    pub(crate) endpoint: Endpoint,
    pub(crate) password: String,
    pub(crate) max_connections: u16,
    pub(crate) durable: bool,
    pub(crate) start_limit: Duration,
    pub(crate) log: ServerLog,
    /// Never read: it is held.
    pub(crate) _lock: File,
}

impl Server {
    /// Starts a server process and waits until it accepts connections.
    pub(crate) async fn launch(&self) -> Result<Leashed, StartError> {
        leftover::clear(&self.folders, &self.account).await?;
        let log_start = self.log.position();
        let program = self.binaries.postgres();
        let mut process =
            Leashed::spawn(&self.account, &program, &self.arguments(), &self.log).map_err(io_error("run", &program))?;
        match self.wait_until_ready(&mut process, log_start).await {
            Ok(()) => Ok(process),
            Err(error) => {
                let _ = process.stop().await;
                Err(error)
            }
        }
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["-D".into(), self.home.cluster().into()];
        let mut set = |setting: OsString| arguments.extend([OsString::from("-c"), setting]);
        self.endpoint.settings().into_iter().for_each(&mut set);
        set(format!("max_connections={}", self.max_connections).into());
        SETTINGS.iter().map(OsString::from).for_each(&mut set);
        if !self.durable {
            EPHEMERAL_SETTINGS.iter().map(OsString::from).for_each(&mut set);
        }
        arguments
    }

    async fn wait_until_ready(&self, process: &mut Leashed, log_start: u64) -> Result<(), StartError> {
        let config = self.endpoint.config(&self.password, MAINTENANCE_DATABASE);
        let deadline = Instant::now() + self.start_limit;
        loop {
            tokio::select! {
                biased;
                ended = process.ended() => return Err(match ended {
                    Ok(_) => StartError::Ended { output: self.log.tail(log_start) },
                    Err(error) => io_error("wait for", &self.binaries.postgres())(error),
                }),
                connected = timeout(CONNECT_LIMIT, config.connect(NoTls)) => match connected {
                    Ok(Ok(_)) => return Ok(()),
                    Ok(Err(error)) if error.code() == Some(&SqlState::INVALID_PASSWORD) => {
                        return Err(StartError::PasswordRefused(error));
                    }
                    // Not listening yet, or still recovering.
                    Ok(Err(_)) | Err(_) => {}
                },
            }
            if Instant::now() >= deadline {
                return Err(StartError::NotReady { limit: self.start_limit, output: self.log.tail(log_start) });
            }
            sleep(READY_POLL).await;
        }
    }
}
