//! What can go wrong, in words for the person at the terminal.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use shared_infrastructure::event_store::StoreError;
use shared_infrastructure::postgres::SetupError;
use shared_service::ErrorChain;
use shared_service::settings::SecretUrl;

use crate::supervisor::TaskEnded;

/// Why everything together did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SystemError {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot {action} the data folder {}", .path.display())]
    DataDir { action: &'static str, path: PathBuf, source: io::Error },
    #[error("another Jetbridge process is using the data folder {}", .path.display())]
    DataDirInUse { path: PathBuf },
    #[error("root does not work in the data folder {} of another user: {reason}", .path.display())]
    DataDirOfAnother { path: PathBuf, reason: String },
    #[error("cannot become the user {user}, as whom everything runs where root starts it")]
    Privileges { user: String, source: io::Error },
    #[error("the data folder {} has been used without demo: its flights may be real, and the demo makes some up", .path.display())]
    NotForDemo { path: PathBuf },
    #[error(
        "the demo does not fill servers of your own unless it is told to: what it makes up stays in their audit log for ever"
    )]
    NotForGivenServers,
    #[error("the demo plays by itself, without an access key, and does not start with --authentication")]
    NotForKnownClients,
    #[error(transparent)]
    Authentication(#[from] gateway::AuthenticationError),
    #[error(transparent)]
    Keys(#[from] shared_access::keys::KeysError),
    #[error("the embedded event store does not start")]
    EmbeddedEventStore(#[from] jetbridge_eventstore::StartError),
    /// Without the library's reason, which may quote the address with its password.
    #[error("the event store address {0} is not usable; it must be like esdb://host:2113?tls=false")]
    EventStoreAddress(SecretUrl),
    #[error("cannot use the event store at {address}")]
    EventStore { address: SecretUrl, source: StoreError },
    #[error(transparent)]
    PrivatePostgres(#[from] jetbridge_postgres::StartError),
    #[error(transparent)]
    PrivateDatabase(#[from] jetbridge_postgres::DatabaseError),
    #[error("cannot use the database {address}: {reason}")]
    DatabaseAddress { address: SecretUrl, reason: String },
    #[error("cannot use the database {address}")]
    Database { address: SecretUrl, source: SetupError },
    #[error("the database {address} did not answer within {} s", .limit.as_secs())]
    DatabaseSilent { address: SecretUrl, limit: Duration },
    #[error("not ready within {} s: {missing}", .limit.as_secs())]
    NotReady { limit: Duration, missing: String },
    #[error("no Jetbridge is running on the data folder {}", .path.display())]
    NotRunning { path: PathBuf },
    #[error("cannot read what is running on the data folder: {} is not what this version writes", .path.display())]
    UnreadableRunning { path: PathBuf },
    #[error("cannot check it")]
    Verify(#[from] jetbridge_verify::VerifyError),
    #[error("cannot {action} {}", .path.display())]
    Backup { action: &'static str, path: PathBuf, source: io::Error },
    #[error("the folder {} is not empty", .path.display())]
    NotEmpty { path: PathBuf },
    #[error("{} is not a backup that this version can read: {reason}", .path.display())]
    NoBackup { path: PathBuf, reason: String },
    #[error("cannot copy the events to {}", .path.display())]
    Copy { path: PathBuf, source: jetbridge_eventstore::CopyError },
    #[error("it was interrupted")]
    Interrupted,
    #[error(transparent)]
    TaskEnded(#[from] TaskEnded),
}

impl SystemError {
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Listen { .. } => Some(
                "choose another address with --listen, such as --listen 127.0.0.1:8090, or --listen 127.0.0.1:0 for any free port",
            ),
            Self::DataDir { .. } => Some("choose another folder with --data-dir"),
            Self::DataDirInUse { .. } => Some("stop that process first, or choose another folder with --data-dir"),
            Self::DataDirOfAnother { .. } => {
                Some("start it as that user, or choose another folder with --data-dir, or give this one to root")
            }
            Self::Privileges { .. } => Some("start it as another user than root"),
            Self::NotForDemo { .. } => Some("choose another folder with --data-dir, or start without demo"),
            Self::NotForGivenServers => Some(
                "leave out --event-store and --database-url (and the variables JETBRIDGE_EVENT_STORE and JETBRIDGE_DATABASE_URL), or add --fill-given-servers",
            ),
            Self::NotForKnownClients => {
                Some("leave out --authentication (and the variable JETBRIDGE_AUTHENTICATION), or start without demo")
            }
            Self::NotRunning { .. } => Some(
                "start it, or choose its folder with --data-dir, or say with --event-store and --database-url (or --flight-database-url and --passenger-database-url) where its data is",
            ),
            Self::NotEmpty { .. } => Some("choose a folder that is new or empty"),
            Self::Copy { source: jetbridge_eventstore::CopyError::Missing(_), .. } => Some(
                "choose the folder with --data-dir; events in an event store of your own are backed up by its own means",
            ),
            Self::EventStore { .. } => {
                Some("check --event-store, or leave it out: then an embedded event store is started")
            }
            Self::Database { .. } | Self::DatabaseSilent { .. } => {
                Some("check --database-url, or leave it out: then a private PostgreSQL is started")
            }
            _ => None,
        }
    }
}

/// Shows an error with its causes, and what to do about it below. It has no source, for it has been told.
#[derive(Debug)]
pub(crate) struct Report(SystemError);

impl From<SystemError> for Report {
    fn from(error: SystemError) -> Self {
        Self(error)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.0.to_string();
        match self.0.source() {
            // Advice is in the message already; a cause would be lost behind it.
            Some(cause) if message.contains('\n') => write!(f, "{message}\n(the cause: {})", ErrorChain(cause))?,
            _ => write!(f, "{}", ErrorChain(&self.0))?,
        }
        self.0.advice().map_or(Ok(()), |advice| write!(f, "\n{advice}"))
    }
}

impl Error for Report {}

#[cfg(test)]
mod tests;
