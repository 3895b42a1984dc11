//! Tables as a processor writes them, without one: for tests of what is read from them. And what a ledger does not show
//! otherwise.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use refinery::Runner;
use shared_kernel::{Decider, Revision};

use crate::ledger::Ledger;
use crate::postgres::Database;
use crate::reader::{Numbered, Projection};

/// Makes a domain's tables in the database at this address.
///
/// # Panics
/// If that cannot be done.
pub async fn migrate(database_url: &str, migrations: &Runner) {
    database(database_url).migrate(migrations).await.expect("the tables of the domain");
}

/// Projects events, numbered from 0, into tables that are there.
///
/// # Panics
/// If that cannot be done.
pub async fn project<P: Projection>(database_url: &str, projection: &P, events: Vec<P::Event>) {
    let numbered: Vec<_> =
        events.into_iter().zip(0..).map(|(event, number)| Numbered { event, revision: Revision(number) }).collect();
    project_batch(database_url, projection, &numbered).await;
}

/// Projects these events as one batch into tables that are there.
///
/// # Panics
/// If that cannot be done.
pub async fn project_batch<P: Projection>(database_url: &str, projection: &P, batch: &[Numbered<P::Event>]) {
    let mut client = database(database_url).client().await.expect("a connection");
    let transaction = client.transaction().await.expect("a transaction");
    projection.project(&transaction, batch).await.expect("events that can be projected");
    transaction.commit().await.expect("a transaction");
}

/// How many commands a ledger remembers without knowing how old they are, so that it does not forget them.
#[must_use]
pub fn undated<D: Decider>(ledger: &Ledger<D>) -> usize {
    ledger.undated()
}

fn database(url: &str) -> Database {
    Database::new(url).expect("the address of a database")
}
