//! The clients of the `eventstore` library, each of which ends when it is not used any more.
//!
//! A client is a task that holds the sending end of the channel it listens on: once connected it waits for ever, with
//! its connection and its certificates, whoever has let go of it. Nothing of the library's ends it, so each client gets
//! a runtime of its own, which is shut down with it.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use eventstore::{Client, ClientSettings};
use tokio::runtime::{Builder, Runtime};

use super::StoreError;

/// A client of the library. It ends with whoever is the last to hold it.
pub(super) struct LibraryClient {
    client: Client,
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
}

/// Counts a client for as long as its runtime works.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(alive))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl LibraryClient {
    fn start(settings: ClientSettings, alive: &Arc<AtomicUsize>) -> Result<Self, StoreError> {
        let cannot = |reason: &dyn std::fmt::Display| StoreError::Unavailable(format!("no client for it: {reason}"));
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("event-store").enable_all().build();
        let runtime = runtime.map_err(|error| cannot(&error))?;
        let client = Client::with_runtime_handle(runtime.handle().clone(), settings).map_err(|error| cannot(&error))?;
        let counted = Counted::new(alive);
        runtime.spawn(async move {
            let _counted = counted;
            std::future::pending::<()>().await;
        });
        Ok(Self { client, runtime: Some(runtime) })
    }
}

impl Deref for LibraryClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for LibraryClient {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waits for nothing: it may be dropped where nobody may wait.
            runtime.shutdown_background();
        }
    }
}

/// The client that is used at the moment, made when it is needed.
pub(super) struct CurrentClient {
    settings: ClientSettings,
    current: Mutex<Option<Arc<LibraryClient>>>,
    /// How many there are, of this and of those that were separated from it.
    alive: Arc<AtomicUsize>,
}

impl CurrentClient {
    pub(super) fn new(settings: ClientSettings) -> Self {
        Self { settings, current: Mutex::default(), alive: Arc::default() }
    }

    /// Another one to the same event store.
    pub(super) fn separate(&self) -> Self {
        Self { settings: self.settings.clone(), current: Mutex::default(), alive: Arc::clone(&self.alive) }
    }

    /// The client. Whoever has something under way on it holds it for as long.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the system has no thread for it, or the library cannot be set up.
    pub(super) fn get(&self) -> Result<Arc<LibraryClient>, StoreError> {
        let mut current = self.lock();
        if let Some(client) = &*current {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(LibraryClient::start(self.settings.clone(), &self.alive)?);
        *current = Some(Arc::clone(&client));
        Ok(client)
    }

    /// Lets go of the client, whichever it is.
    pub(super) fn release(&self) {
        drop(self.lock().take());
    }

    /// Lets go of this client, unless another one has taken its place: callers that fail together share what comes
    /// next.
    pub(super) fn give_up(&self, failed: &Arc<LibraryClient>) {
        let mut current = self.lock();
        if current.as_ref().is_some_and(|client| Arc::ptr_eq(client, failed)) {
            *current = None;
        }
    }

    pub(super) fn alive(&self) -> usize {
        self.alive.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<LibraryClient>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
