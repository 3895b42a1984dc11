//! The event store: an embedded one, or one that is given.

use std::time::Duration;

use jetbridge_eventstore::{Password, RunningServer};
use shared_infrastructure::event_store::{EventStore, StoreError};
use shared_service::settings::SecretUrl;
use tokio_util::sync::CancellationToken;

use crate::data_dir::DataDir;
use crate::error::SystemError;
use crate::listeners::ANY_PORT;
use crate::patience::{Failure, patiently};

/// Any stream serves to see whether the event store answers.
const PROBED_STREAM: &str = "jetbridge";

/// Starts an embedded event store, which stops when `shutdown` is cancelled. Its password is a new one each time: this
/// machine has other users, and browsers.
pub(crate) async fn start(data_dir: &DataDir, shutdown: CancellationToken) -> Result<RunningServer, SystemError> {
    let config = jetbridge_eventstore::Config {
        password: Some(Password::random()),
        ..jetbridge_eventstore::Config::new(ANY_PORT, data_dir.events.clone())
    };
    Ok(jetbridge_eventstore::start(config, shutdown).await?)
}

/// Waits until the event store at this address answers.
pub(crate) async fn wait_for(address: &SecretUrl) -> Result<(), SystemError> {
    let store = EventStore::new(address.expose()).map_err(|_| SystemError::EventStoreAddress(address.clone()))?;
    let failed = |source| SystemError::EventStore { address: address.clone(), source };
    let silent = |limit: Duration| {
        let reason = format!("no answer within {} s", limit.as_secs());
        failed(StoreError::Unavailable(reason))
    };
    patiently(silent, async || {
        store.last_revision(PROBED_STREAM).await.map(drop).map_err(|error| {
            let is_transient = matches!(error, StoreError::Unavailable(_));
            store.reconnect();
            Failure { error: failed(error), is_transient }
        })
    })
    .await
}
