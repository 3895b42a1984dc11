//! The event store, as the rest of the workspace sees it: limits on every wait, typed failures, and clients that are
//! replaced when they have died. Appending is done by a client of our own, everything else by the `eventstore` library.

mod address;
mod append;
mod connection;
mod error;
mod form;
mod leader;
mod library;
mod metadata;
mod read;
mod recorded;
mod subscription;

use std::sync::Arc;

use connection::ConnectionSettings;
use library::CurrentClient;

pub use append::{AppendError, AppendFailure, Appender, ProposedAppend, ProposedEvent};
pub use error::{Refusal, Right, StoreError};
pub use metadata::{EventMetadata, UnreadableMetadata};
pub use recorded::{AllPosition, Recorded};
pub use subscription::{Delivery, Subscription};

/// An `esdb://` address is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event store address is not usable: {0}")]
pub struct InvalidAddress(String);

/// One connection to an event store, for reads and subscriptions; and the way to append, on further ones.
///
/// Subscriptions belong on connections of their own ([`EventStore::separate`]): they would share one HTTP/2
/// flow-control window otherwise, and a subscriber that reads slowly could hold up a read.
pub struct EventStore {
    connections: Arc<ConnectionSettings>,
    client: CurrentClient,
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
        let settings = address::settings(address)?;
        let connections = Arc::new(ConnectionSettings::new(&settings)?);
        Ok(Self { connections, client: CurrentClient::new(settings) })
    }

    /// Another connection to the same event store.
    #[must_use]
    pub fn separate(&self) -> Self {
        Self { connections: Arc::clone(&self.connections), client: self.client.separate() }
    }

    /// Lets go of the client after a failure; the next use makes another one. The library's client gives up for good
    /// when the server is away for longer than its few attempts, and stays with a node that hangs, so one that has
    /// failed is not used again. It ends with the last subscription on it.
    pub fn reconnect(&self) {
        self.client.release();
    }

    /// How many clients of the library there are, of this connection and of all that were separated from one another:
    /// at most one for each of them and one for each subscription.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.client.alive()
    }
}
