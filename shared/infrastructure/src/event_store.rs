//! The event store, as the rest of the workspace sees it: limits on every wait, typed failures, and
//! connections that are replaced when they have died. What an `esdb://` address means is said by the `eventstore`
//! library; the calls are our own.

mod address;
mod append;
mod connection;
mod error;
mod form;
mod in_process;
mod leader;
mod metadata;
mod read;
mod reading;
mod recorded;
mod settings;
mod subscription;
mod users;

use std::sync::Arc;

use connection::ConnectionSettings;
use reading::CurrentConnection;

pub use append::{AppendError, AppendFailure, Appender, ProposedAppend, ProposedEvent};
pub use error::{Refusal, Right, StoreError};
pub use in_process::InProcess;
pub use metadata::{EventMetadata, UnreadableMetadata};
pub use recorded::{AllPosition, Recorded};
pub use settings::StreamRights;
pub use subscription::{Delivery, Subscription};
pub use users::UserChange;

/// An `esdb://` address is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event store address is not usable: {0}")]
pub struct InvalidAddress(String);

/// One connection to an event store, for reads; and the way to subscribe and to append, on further ones.
///
/// Each subscription has a connection of its own: it would share one HTTP/2 flow-control window otherwise, and a
/// subscriber that reads slowly could hold up a read.
pub struct EventStore {
    connections: Arc<ConnectionSettings>,
    reads: CurrentConnection,
}

impl EventStore {
    /// A connection to the event store at an `esdb://` or `esdb+discover://` address. Nothing is sent before the first
    /// use.
    ///
    /// With TLS, which is the default, the server has to prove its name, vouched for by the system's certificate
    /// authorities or those in the PEM file `tlsCAFile`.
    ///
    /// # Errors
    /// [`InvalidAddress`] if the address cannot be parsed, or a file that it names cannot be used.
    pub fn new(address: &str) -> Result<Self, InvalidAddress> {
        Self::reached(address, None)
    }

    /// As [`EventStore::new`]; if the event store is in this process, it is called without a connection.
    ///
    /// # Errors
    /// As for [`EventStore::new`].
    pub fn reached(address: &str, here: Option<InProcess>) -> Result<Self, InvalidAddress> {
        let settings = address::settings(address)?;
        let connections = Arc::new(ConnectionSettings::new(&settings, here)?);
        let reads = CurrentConnection::new(Arc::clone(&connections));
        Ok(Self { connections, reads })
    }

    /// Another connection to the same event store.
    #[must_use]
    pub fn separate(&self) -> Self {
        Self { connections: Arc::clone(&self.connections), reads: self.reads.separate() }
    }

    /// Lets go of the connection of reads after a failure; the next read makes another one. One that has failed may be
    /// of no use any more, and nothing says so.
    pub fn reconnect(&self) {
        self.reads.release();
    }

    /// How many connections there are for reads and subscriptions, of this one and of all that were separated from one
    /// another: at most one for each of them and one for each subscription.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.reads.alive()
    }
}
