//! PostgreSQL: a pool with limits on every wait, failures told apart by what can be done about them, and migrations.

use std::error::Error;
use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use refinery::Runner;
use shared_kernel::{Interruption, QueryError, Revision};
use shared_postgres_address::{InvalidPostgresAddress, PostgresAddress};
use shared_telemetry::AtScrape;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{AsyncMessage, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::CancellationToken;

use crate::causes::with_causes;
use crate::limits;
use meters::Meters;

mod meters;
mod setup;
mod tls;

pub use setup::SetupError;

mod migrations {
    refinery::embed_migrations!("migrations");
}

mod rebuild_migrations {
    refinery::embed_migrations!("rebuild_migrations");
}

/// Connections in a process's pool, unless told otherwise.
pub const POOLED_CONNECTIONS: usize = 16;
/// How long PostgreSQL's machine may be silent before its connections are given up: sent data may be unacknowledged for
/// this long, and an idle connection is probed as often.
const SILENCE_LIMIT: Duration = Duration::from_secs(5);
/// How long migrations may take, the wait for another process's included.
const MIGRATION_LIMIT: Duration = Duration::from_secs(120);
/// Keeps processes from migrating one database at the same time. Any number that nothing else uses.
const MIGRATION_LOCK: i64 = 0x6a65_7462_7269_6467;

/// Why PostgreSQL could not do something.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It cannot be reached, is overloaded, starting or stopping. Trying again later may succeed.
    #[error("PostgreSQL is not available: {0}")]
    Unavailable(String),
    /// It refused the statement. Trying again changes nothing, until somebody mends it.
    #[error("PostgreSQL refused the statement: {0}")]
    Refused(String),
    /// It refused what it was to keep. Only other data would change that.
    #[error("PostgreSQL refused the data: {0}")]
    InvalidData(String),
}

impl From<tokio_postgres::Error> for DatabaseError {
    fn from(error: tokio_postgres::Error) -> Self {
        // Neither form quotes values: `Display` of a database error is its message, and a message may, so only its code
        // is kept.
        match error.as_db_error() {
            Some(refusal) if !is_transient(refusal.code()) => {
                let reason = format!(
                    "SQLSTATE {} (table {}, column {}, constraint {})",
                    refusal.code().code(),
                    refusal.table().unwrap_or("-"),
                    refusal.column().unwrap_or("-"),
                    refusal.constraint().unwrap_or("-"),
                );
                if is_about_data(refusal.code()) { Self::InvalidData(reason) } else { Self::Refused(reason) }
            }
            Some(refusal) => Self::Unavailable(format!("SQLSTATE {}", refusal.code().code())),
            // Without the cause, which may quote the value.
            None if error.source().is_some_and(|cause| cause.is::<UnknownValue>()) => Self::Refused(error.to_string()),
            None => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<DatabaseError> for QueryError {
    fn from(error: DatabaseError) -> Self {
        let reason = error.to_string();
        Self::Interrupted(match error {
            DatabaseError::Unavailable(_) => Interruption::Unavailable(reason),
            DatabaseError::Refused(_) | DatabaseError::InvalidData(_) => Interruption::Internal(reason),
        })
    }
}

/// Values, constraints, limits of what a row or an index holds, and what a check or a trigger says.
fn is_about_data(code: &SqlState) -> bool {
    ["21", "22", "23", "44", "54", "P0"].iter().any(|class| code.code().starts_with(class))
}

/// Connection trouble, a server or a transaction that only reads, insufficient resources, locks, operator intervention,
/// system errors, conflicts between transactions; and a table or a column that is missing because the migrations have
/// not run yet.
fn is_transient(code: &SqlState) -> bool {
    ["08", "25", "40", "53", "55", "57", "58"].iter().any(|class| code.code().starts_with(class))
        || [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN].contains(code)
}

/// The address of a database is not usable.
#[derive(Debug, thiserror::Error)]
#[error("the database address is not usable: {0}")]
pub struct InvalidDatabaseUrl(String);

/// A connection outside the pool.
pub(crate) struct Dedicated {
    pub(crate) client: ClientWrapper,
    /// Cancelled when the connection has ended, so that its owner notices while it waits for other things.
    pub(crate) lost: CancellationToken,
}

/// A database and a pool of connections to it, made as they are needed.
#[derive(Clone)]
pub struct Database {
    config: Config,
    tls: MakeRustlsConnect,
    pool: Pool,
    meters: Meters,
}

impl Database {
    /// The database at a `postgresql://` address, or one of the form `host=… user=…`. Nothing is sent before the first
    /// use.
    ///
    /// The connection is encrypted with `sslmode=require`; with `sslmode=verify-full` the server also has to prove its
    /// name, vouched for by the system's certificate authorities or those in the PEM file `sslrootcert`. It is not with
    /// `sslmode=disable`, nor to this machine without `sslmode`. `PGSSLMODE` and libpq's other variables are not read.
    ///
    /// # Errors
    /// [`InvalidDatabaseUrl`] if the address cannot be parsed, leaves open whether a connection to another machine is
    /// encrypted, or the certificate authorities cannot be read.
    pub fn new(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        Self::with_connections(url, POOLED_CONNECTIONS)
    }

    /// The same with this many connections in the pool, at most.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_connections(url: &str, connections: usize) -> Result<Self, InvalidDatabaseUrl> {
        let unusable = |reason: InvalidPostgresAddress| InvalidDatabaseUrl(reason.to_string());
        let address: PostgresAddress = url.parse().map_err(unusable)?;
        let asked_for = address.protection().map_err(unusable)?;
        // The driver's own message may quote the address, password included.
        let mut config = Config::from_str(&address.without_protection().expose())
            .map_err(|_| unusable(InvalidPostgresAddress::MALFORMED))?;
        let protection = tls::choose(asked_for, &config).map_err(InvalidDatabaseUrl)?;
        let tls = tls::connector(&protection).map_err(InvalidDatabaseUrl)?;
        let statement_timeout = format!("-c statement_timeout={}", limits::POSTGRES_STATEMENT.as_millis());
        let options =
            config.get_options().map_or(statement_timeout.clone(), |own| format!("{statement_timeout} {own}"));
        config
            .ssl_mode(tls::ssl_mode(&protection))
            .options(options)
            .connect_timeout(limits::POSTGRES_CONNECT)
            .tcp_user_timeout(SILENCE_LIMIT)
            .keepalives_idle(SILENCE_LIMIT)
            .keepalives_interval(SILENCE_LIMIT)
            .keepalives_retries(1);
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config.clone(), tls.clone(), manager_config))
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(limits::POSTGRES_CONNECT))
            .create_timeout(Some(limits::POSTGRES_CONNECT))
            .recycle_timeout(Some(limits::POSTGRES_CONNECT))
            .build()
            .map_err(|error| InvalidDatabaseUrl(error.to_string()))?;
        Ok(Self { config, tls, pool, meters: Meters::new() })
    }

    /// A connection from the pool.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] if there is none in time.
    pub async fn client(&self) -> Result<Object, DatabaseError> {
        let waited = self.meters.waited.start_timer();
        let client = self.pool.get().await;
        waited.observe_duration();
        client.map_err(|error| {
            self.meters.failed.inc();
            match error {
                PoolError::Backend(error) => SetupError::from(error).into(),
                other => DatabaseError::Unavailable(other.to_string()),
            }
        })
    }

    /// Measures its pool as that of a service with this name, as long as what this gives is kept.
    pub fn measured(&self, service: &str) -> AtScrape {
        meters::measured(self.pool.clone(), service)
    }

    /// A connection outside the pool, for one owner. `notified` gets the payload of each notification.
    pub(crate) async fn dedicated(
        &self,
        notified: impl FnMut(&str) + Send + 'static,
    ) -> Result<Dedicated, DatabaseError> {
        Ok(self.open(notified).await?)
    }

    /// A connection outside the pool, which ends with its client: for what comes before everything else.
    ///
    /// # Errors
    /// [`SetupError`], in words for the person who gave the address.
    pub async fn connect(&self) -> Result<ClientWrapper, SetupError> {
        Ok(self.open(|_| {}).await?.client)
    }

    async fn open(&self, mut notified: impl FnMut(&str) + Send + 'static) -> Result<Dedicated, SetupError> {
        let connecting = timeout(limits::POSTGRES_CONNECT, self.config.connect(self.tls.clone())).await;
        let (client, mut connection) =
            connecting.map_err(|_| SetupError::Unavailable("no connection in time".to_owned()))??;
        let lost = CancellationToken::new();
        let losing = lost.clone().drop_guard();
        let driver = tokio::spawn(async move {
            let _losing = losing;
            let mut messages = futures::stream::poll_fn(move |context| connection.poll_message(context));
            // The connection ends when its client is dropped, or with an error that the client's next call reports.
            while let Some(Ok(message)) = futures::StreamExt::next(&mut messages).await {
                if let AsyncMessage::Notification(notification) = message {
                    notified(notification.payload());
                }
            }
        });
        Ok(Dedicated { client: ClientWrapper::new(client, driver), lost })
    }

    /// Brings the database up to date: the tables that every reader of a stream needs, then the domain's own.
    ///
    /// # Errors
    /// [`DatabaseError`]; nothing is half migrated.
    pub async fn migrate(&self, domain: &Runner) -> Result<(), DatabaseError> {
        let mut client = self.dedicated(|_| {}).await?.client;
        let migrating = async {
            client.batch_execute("SET statement_timeout = 0").await?;
            client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await?;
            // What a newer version has migrated adds to what is there, so that this one can work beside it.
            let mut shared = migrations::migrations::runner().set_abort_missing(false);
            shared.set_migration_table_name("processing_migrations");
            let mut rebuilding = rebuild_migrations::migrations::runner().set_abort_missing(false);
            rebuilding.set_migration_table_name("rebuild_migrations");
            for runner in [&shared, &rebuilding, domain] {
                runner.run_async(&mut *client).await.map_err(|error| migration_error(&error))?;
            }
            Ok::<_, DatabaseError>(())
        };
        timeout(MIGRATION_LIMIT, migrating)
            .await
            .map_err(|_| DatabaseError::Unavailable("the migrations did not end in time".to_owned()))?
    }
}

fn migration_error(error: &refinery::Error) -> DatabaseError {
    DatabaseError::Refused(with_causes(error))
}

/// A revision as PostgreSQL's `bigint`, with -1 for none.
pub(crate) fn to_bigint(revision: Option<Revision>) -> i64 {
    // Revisions come from the event store, which counts them in 63 bits.
    revision.map_or(-1, |revision| i64::try_from(revision.0).unwrap_or(i64::MAX))
}

/// A revision from PostgreSQL's `bigint`, where a negative number is none.
pub(crate) fn from_bigint(revision: i64) -> Option<Revision> {
    u64::try_from(revision).ok().map(Revision)
}

/// A column holds something that this version of the software does not know. What was meant cannot be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value is not one that is known here")]
pub(crate) struct UnknownValue;

/// A `text` column whose values are those of a type, read by its `FromStr`. Reading any other, or none, is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed<T>(pub T);

impl<'row, T: FromStr> FromSql<'row> for Parsed<T> {
    fn from_sql(column: &Type, raw: &'row [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let text = <&str>::from_sql(column, raw)?;
        Ok(Self(text.parse().map_err(|_| UnknownValue)?))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Err(UnknownValue.into())
    }

    fn accepts(column: &Type) -> bool {
        <&str as FromSql>::accepts(column)
    }
}

/// A `bigint` column that holds the number of an event. Reading a negative one is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredRevision(pub(crate) Revision);

impl<'row> FromSql<'row> for StoredRevision {
    fn from_sql(column: &Type, raw: &'row [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(from_bigint(i64::from_sql(column, raw)?).ok_or(UnknownValue)?))
    }

    fn accepts(column: &Type) -> bool {
        i64::accepts(column)
    }
}
