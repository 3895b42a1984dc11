use crate::event_store::InvalidAddress;
use crate::postgres::InvalidDatabaseUrl;
use crate::rpc::InvalidRpcAddress;

/// A setting with which a service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSetting {
    /// The event store's address.
    #[error(transparent)]
    EventStore(#[from] InvalidAddress),
    /// The database's address.
    #[error(transparent)]
    Database(#[from] InvalidDatabaseUrl),
    /// Another domain's address.
    #[error(transparent)]
    OtherDomain(#[from] InvalidRpcAddress),
}
