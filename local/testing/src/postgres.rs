//! The PostgreSQL server that all tests of one process share.

use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;

use jetbridge_postgres::{Config, Postgres};
use tokio::runtime::{Builder, Handle};

/// A running server whose data is in a temporary folder and not durable.
///
/// It is started by whoever asks first, on a thread and a runtime of its own, for the runtime of a test ends with that
/// test. It runs until the process ends; then it is stopped and its folder removed from outside.
#[derive(Debug)]
pub struct TestPostgres {
    postgres: Postgres,
    runtime: Handle,
}

impl TestPostgres {
    /// The server of this process.
    ///
    /// # Panics
    ///
    /// When PostgreSQL's programs are not on this machine, or do not start.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceLock<TestPostgres> = OnceLock::new();
        match SHARED.get() {
            Some(shared) => shared,
            // The first start takes a second or two, and blocks.
            None => {
                tokio::task::spawn_blocking(|| SHARED.get_or_init(Self::start)).await.expect("PostgreSQL for tests")
            }
        }
    }

    /// How to connect to a database of this server as its superuser.
    pub fn config(&self, database: &str) -> tokio_postgres::Config {
        self.postgres.config(database)
    }

    /// The same as a `postgresql://` URL.
    pub fn url(&self, database: &str) -> String {
        self.postgres.url(database)
    }

    /// The runtime that lives as long as the process.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    fn start() -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new()
            .name("test-postgres".to_owned())
            .spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime for PostgreSQL");
                runtime.block_on(async {
                    let started = jetbridge_postgres::start(Config::ephemeral()).await;
                    // The receiver waits below.
                    let _ = sender.send((started, Handle::current()));
                    // Watches over the server until the process ends.
                    std::future::pending::<()>().await;
                });
            })
            .expect("a thread for PostgreSQL");
        match receiver.recv().expect("the thread of PostgreSQL") {
            (Ok(postgres), runtime) => Self { postgres, runtime },
            (Err(error), _) => panic!("PostgreSQL, which tests need, does not start: {error} ({error:?})"),
        }
    }
}
