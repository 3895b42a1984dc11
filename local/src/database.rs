//! PostgreSQL: a private server, or a database that is given.

use std::error::Error;

use futures::future::try_join_all;
use jetbridge_postgres::{Download, Postgres};
use shared_infrastructure::postgres::{Database, SetupError};
use shared_kernel::Domain;
use shared_postgres_address::{InvalidPostgresAddress, PostgresAddress};
use shared_service::settings::SecretUrl;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::data_dir::DataDir;
use crate::error::SystemError;
use crate::patience::{Failure, patiently};

/// Starts a private server with a database for each of these domains; its programs are downloaded where there are none, if
/// that is asked for. Answers their addresses, in this order.
pub(crate) async fn start(
    data_dir: &DataDir,
    domains: &[&'static Domain],
    download: Option<Download>,
) -> Result<(Postgres, Vec<SecretUrl>), SystemError> {
    let config = jetbridge_postgres::Config { download, ..jetbridge_postgres::Config::new(&data_dir.postgres) };
    let postgres = jetbridge_postgres::start(config).await?;
    try_join_all(domains.iter().map(|domain| postgres.create_database_if_missing(domain.name))).await?;
    let databases = domains.iter().map(|domain| SecretUrl::new(postgres.url(domain.name))).collect();
    Ok((postgres, databases))
}

/// Prepares the database that is given: each of these domains gets a schema of its own in it. Answers their addresses,
/// in this order.
pub(crate) async fn prepare(address: &SecretUrl, domains: &[&'static Domain]) -> Result<Vec<SecretUrl>, SystemError> {
    let database = Database::new(address.expose()).map_err(|error| unusable(address, &error))?;
    let databases = addresses(address, domains)?;
    let silent = |limit| SystemError::DatabaseSilent { address: address.clone(), limit };
    patiently(silent, async || {
        create_schemas(&database, domains).await.map_err(|source| Failure {
            is_transient: matches!(source, SetupError::Unavailable(_)),
            error: SystemError::Database { address: address.clone(), source },
        })
    })
    .await?;
    Ok(databases)
}

/// Where these domains have their tables in the database that is given, in this order.
pub(crate) fn addresses(address: &SecretUrl, domains: &[&'static Domain]) -> Result<Vec<SecretUrl>, SystemError> {
    let in_schema = |domain: &&Domain| in_schema(address, domain.name).map_err(|error| unusable(address, &error));
    domains.iter().map(in_schema).collect()
}

fn unusable(address: &SecretUrl, reason: &dyn Error) -> SystemError {
    SystemError::DatabaseAddress { address: address.clone(), reason: reason.to_string() }
}

fn schema(domain: &str) -> String {
    format!("jetbridge_{domain}")
}

/// The same address with a search path. `public` is in it because that is where an extension usually is.
fn in_schema(address: &SecretUrl, domain: &str) -> Result<SecretUrl, InvalidPostgresAddress> {
    let address: PostgresAddress = address.expose().parse()?;
    let address = address.with_options(&format!("-c search_path={},public", schema(domain)))?;
    Ok(SecretUrl::new(address.expose()))
}

async fn create_schemas(database: &Database, domains: &[&Domain]) -> Result<(), SetupError> {
    let client = database.connect().await?;
    for domain in domains {
        create_schema_if_missing(&client, &schema(domain.name)).await?;
    }
    share_trigrams(&client).await;
    Ok(())
}

/// `CREATE SCHEMA IF NOT EXISTS` wants the right to create schemas even where there is nothing to create.
async fn create_schema_if_missing(client: &Client, schema: &str) -> Result<(), tokio_postgres::Error> {
    let exists = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
    if client.query_opt(exists, &[&schema]).await?.is_some() {
        return Ok(());
    }
    match client.batch_execute(&format!("CREATE SCHEMA {schema}")).await {
        // Another process was faster.
        Err(error) if matches!(error.code(), Some(&SqlState::DUPLICATE_SCHEMA | &SqlState::UNIQUE_VIOLATION)) => Ok(()),
        outcome => outcome,
    }
}

/// A database has an extension once. Left to the domains' migrations, it would be in the schema of the first, where the
/// second does not find it. Searching is slower without it, not wrong.
async fn share_trigrams(client: &Client) {
    let create = "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public";
    if let Err(error) = client.batch_execute(create).await {
        tracing::debug!(%error, "cannot create the extension pg_trgm");
    }
}
