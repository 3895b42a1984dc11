//! A PostgreSQL database for one test.

use std::collections::HashMap;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};
use tokio_util::task::AbortOnDropHandle;

use crate::postgres::TestPostgres;

const STATEMENT_LIMIT: Duration = Duration::from_secs(60);

/// The names of the databases that were prepared, by the key under which they were.
static TEMPLATES: LazyLock<Mutex<HashMap<String, Arc<OnceCell<String>>>>> = LazyLock::new(Mutex::default);

/// A database that one test has for itself. It is dropped, and its clients disconnected, when this is.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    server: &'static TestPostgres,
}

impl TestDatabase {
    /// An empty database.
    ///
    /// # Panics
    ///
    /// When there is no PostgreSQL on this machine, or it says no.
    pub async fn create() -> Self {
        let server = TestPostgres::shared().await;
        Self::named(server, unique_name("test"), None).await
    }

    /// A database that `prepare`, which gets its address, has filled.
    ///
    /// # Panics
    ///
    /// As [`TestDatabase::create`].
    pub async fn create_with(prepare: impl AsyncFnOnce(String)) -> Self {
        let database = Self::create().await;
        prepare(database.url()).await;
        database
    }

    /// A copy of a database that `prepare` filled, for instance by running migrations. The first test of the process
    /// that asks for `key` prepares it; the others, and it, get copies.
    ///
    /// ```no_run
    /// # async fn example() {
    /// use jetbridge_testing::TestDatabase;
    /// use tokio_postgres::NoTls;
    ///
    /// let database = TestDatabase::from_template("flight", async |config| {
    ///     let (client, connection) = config.connect(NoTls).await.unwrap();
    ///     tokio::spawn(connection);
    ///     client.batch_execute("CREATE TABLE flight (id uuid PRIMARY KEY)").await.unwrap();
    /// })
    /// .await;
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// As [`create`](Self::create) does, and where `prepare` does; then the next one to ask prepares it anew.
    pub async fn from_template(key: &str, prepare: impl AsyncFnOnce(tokio_postgres::Config)) -> Self {
        let server = TestPostgres::shared().await;
        let cell =
            Arc::clone(TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner).entry(key.to_owned()).or_default());
        let template = cell.get_or_init(|| prepare_template(server, prepare)).await;
        Self::named(server, unique_name("test"), Some(template)).await
    }

    /// Every row of a table, with all that is in it, in the order of a column.
    ///
    /// # Panics
    ///
    /// When there is no such table or column.
    pub async fn rows(&self, table: &str, key: &str) -> Vec<serde_json::Value> {
        let sql = format!("SELECT to_jsonb({table})::text FROM {table} ORDER BY {key}");
        let rows = self.client().await.query(&sql, &[]).await.expect("a table with this column");
        rows.iter().map(|row| serde_json::from_str(row.get(0)).expect("a row as JSON")).collect()
    }

    async fn named(server: &'static TestPostgres, name: String, template: Option<&str>) -> Self {
        // Without a template of our own, the one that nobody connects to.
        let template = template.unwrap_or("template0");
        // `prepare` may have left connections that are just being closed; PostgreSQL waits for them for some seconds.
        execute(server.config("postgres"), &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self { name, server }
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to connect to it.
    pub fn config(&self) -> tokio_postgres::Config {
        self.server.config(&self.name)
    }

    /// The same as a `postgresql://` URL.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// The address of the database at another host and port, without parameters.
    pub fn url_at(&self, authority: &str) -> String {
        let url = self.url();
        let (user, _) = url.split_once('@').expect("a user");
        format!("{user}@{authority}/{}", self.name)
    }

    /// A connection that lasts as long as the client and the calling test's runtime.
    ///
    /// # Panics
    ///
    /// When the server cannot be reached.
    pub async fn client(&self) -> Client {
        let (client, connection) = self.config().connect(NoTls).await.expect("a connection to the test's database");
        tokio::spawn(connection);
        client
    }

    /// Disconnects all clients, as an outage or a fail-over does.
    ///
    /// # Panics
    ///
    /// When the server cannot be reached.
    pub async fn disconnect_clients(&self) {
        execute(self.server.config("postgres"), &terminate(&self.name)).await;
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let config = self.server.config("postgres");
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // Not waited for: the process may be about to end, which removes everything anyway.
        self.server.runtime().spawn(async move {
            let _ = try_execute(config, &statement).await;
        });
    }
}

async fn prepare_template(server: &TestPostgres, prepare: impl AsyncFnOnce(tokio_postgres::Config)) -> String {
    let name = unique_name("template");
    let config = server.config("postgres");
    execute(config.clone(), &format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    prepare(server.config(&name)).await;
    // A database can only be copied while nobody is connected to it.
    execute(config.clone(), &format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")).await;
    execute(config, &terminate(&name)).await;
    name
}

fn terminate(database: &str) -> String {
    format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    )
}

/// Lower case, digits and underscores, so it needs no quotes.
fn unique_name(kind: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{kind}_{}_{number}", process::id())
}

async fn execute(config: tokio_postgres::Config, statement: &str) {
    match tokio::time::timeout(STATEMENT_LIMIT, try_execute(config, statement)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("{statement}: {error:?}"),
        Err(_) => panic!("{statement}: took longer than {STATEMENT_LIMIT:?}"),
    }
}

async fn try_execute(config: tokio_postgres::Config, statement: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    client.batch_execute(statement).await
}
