//! PostgreSQL: a private server, or a database that is given.

use std::error::Error;
use std::io;

use futures::future::try_join_all;
use jetbridge_postgres::Postgres;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shared_kernel::Domain;
use shared_service::settings::SecretUrl;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};
use tokio_util::task::AbortOnDropHandle;

use crate::data_dir::DataDir;
use crate::error::SystemError;
use crate::patience::{Failure, patiently};

/// Starts a private server with a database for each of these domains. Answers their addresses, in this order.
pub(crate) async fn start(
    data_dir: &DataDir,
    domains: &[&'static Domain],
) -> Result<(Postgres, Vec<SecretUrl>), SystemError> {
    let postgres = jetbridge_postgres::start(jetbridge_postgres::Config::new(&data_dir.postgres)).await?;
    try_join_all(domains.iter().map(|domain| postgres.create_database_if_missing(domain.name))).await?;
    let databases = domains.iter().map(|domain| SecretUrl::new(postgres.url(domain.name))).collect();
    Ok((postgres, databases))
}

/// Prepares the database that is given: each of these domains gets a schema of its own in it. Answers their addresses, in this
/// order.
pub(crate) async fn prepare(address: &SecretUrl, domains: &[&'static Domain]) -> Result<Vec<SecretUrl>, SystemError> {
    let config: Config = address.expose().parse().map_err(|_| SystemError::DatabaseAddress(address.clone()))?;
    let silent = |limit| SystemError::DatabaseSilent { address: address.clone(), limit };
    patiently(silent, async || {
        create_schemas(&config, domains).await.map_err(|error| Failure {
            is_transient: is_transient(&error),
            error: SystemError::Database { address: address.clone(), source: error },
        })
    })
    .await?;
    Ok(domains.iter().map(|domain| in_schema(address, &config, domain.name)).collect())
}

fn schema(domain: &str) -> String {
    format!("jetbridge_{domain}")
}

/// The same address with a search path. `public` is in it because that is where an extension usually is.
fn in_schema(address: &SecretUrl, config: &Config, domain: &str) -> SecretUrl {
    let own = config.get_options().unwrap_or_default();
    let options = format!("{own} -c search_path={},public", schema(domain));
    let address = address.expose();
    // Options that come later replace those that the address has already.
    SecretUrl::new(if address.contains("://") {
        let separator = if address.contains('?') { '&' } else { '?' };
        let options = utf8_percent_encode(options.trim_start(), NON_ALPHANUMERIC);
        format!("{address}{separator}options={options}")
    } else {
        let options = options.trim_start().replace('\\', r"\\").replace('\'', r"\'");
        format!("{address} options='{options}'")
    })
}

async fn create_schemas(config: &Config, domains: &[&Domain]) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
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

/// Connection trouble, a server that is starting or stopping, and one that has no connection left.
fn is_transient(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(code) => ["08", "53", "57"].iter().any(|class| code.code().starts_with(class)),
        None => error.is_closed() || error.source().is_some_and(|cause| cause.is::<io::Error>()),
    }
}

#[cfg(test)]
mod tests;
