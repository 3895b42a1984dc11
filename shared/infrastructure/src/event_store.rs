//! The event store, as the rest of the workspace sees it: limits on every wait, typed failures, and a client that is
//! replaced when it has died. Appending is done by a client of our own, everything else by the `eventstore` library.

mod address;
mod append;
mod connection;
mod error;
mod form;
mod leader;
mod metadata;
mod read;
mod recorded;
mod subscription;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use connection::ConnectionSettings;
use eventstore::{Client, ClientSettings};

pub use append::{AppendError, AppendFailure, Appender, ProposedAppend, ProposedEvent};
pub use error::{Refusal, Right, StoreError};
pub use metadata::{EventMetadata, UnreadableMetadata};
pub use recorded::{AllPosition, Recorded};
pub use subscription::{Delivery, Subscription};

/// Replacing a client is not cheap, so callers that fail together share one replacement.
const SHORTEST_CLIENT_LIFE: Duration = Duration::from_millis(50);

/// An `esdb://` address is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event store address is not usable: {0}")]
pub struct InvalidAddress(String);

/// One connection to an event store, for reads and subscriptions; and the way to append, on further ones.
///
/// Subscriptions belong on connections of their own ([`EventStore::separate`]): they would share one HTTP/2
/// flow-control window otherwise, and a subscriber that reads slowly could hold up a read.
pub struct EventStore {
    settings: ClientSettings,
    connections: Arc<ConnectionSettings>,
    current: Mutex<CurrentClient>,
}

struct CurrentClient {
    client: Client,
    since: Instant,
}

impl EventStore {
    /// A connection to the event store at an `esdb://` or `esdb+discover://` address. Nothing is sent before the first
    /// use.
    ///
    /// With TLS, which is the default, the server has to prove its name, vouched for by the system's certificate
    /// authorities or those in the PEM file `tlsCAFile`.
    ///
    /// Must be called on the tokio runtime that will use it.
    ///
    /// # Errors
    /// [`InvalidAddress`] if the address cannot be parsed, or a file that it names cannot be used.
    pub fn new(address: &str) -> Result<Self, InvalidAddress> {
        let settings = address::settings(address)?;
        let connections = Arc::new(ConnectionSettings::new(&settings)?);
        Self::with_settings(settings, connections)
    }

    /// Another connection to the same event store.
    ///
    /// # Errors
    /// [`InvalidAddress`] if the client library cannot be set up for it.
    pub fn separate(&self) -> Result<Self, InvalidAddress> {
        Self::with_settings(self.settings.clone(), Arc::clone(&self.connections))
    }

    fn with_settings(settings: ClientSettings, connections: Arc<ConnectionSettings>) -> Result<Self, InvalidAddress> {
        let client = Client::new(settings.clone()).map_err(|error| InvalidAddress(error.to_string()))?;
        let current = Mutex::new(CurrentClient { client, since: Instant::now() });
        Ok(Self { settings, connections, current })
    }

    fn client(&self) -> Client {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).client.clone()
    }

    /// Replaces the client after a failure. The library's client gives up for good when the server is away for longer
    /// than its few attempts, so one that has failed is not used again.
    pub fn reconnect(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.since.elapsed() < SHORTEST_CLIENT_LIFE {
            return;
        }
        match Client::new(self.settings.clone()) {
            Ok(client) => *current = CurrentClient { client, since: Instant::now() },
            Err(error) => tracing::warn!(%error, "could not set up a new event store client; keeping the old one"),
        }
    }
}
