//! The databases of the program that is everything, as it writes down where they are.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use crate::failure::Failure;
use crate::system::Running;

/// A connection to one of them, which ends when this is dropped.
pub(crate) struct Database {
    pub(crate) client: Client,
    connection: JoinHandle<Result<(), tokio_postgres::Error>>,
}

/// What is read of the file `running`.
#[derive(Deserialize)]
struct RunningFile {
    databases: BTreeMap<String, String>,
}

impl Database {
    /// That of the flights.
    ///
    /// # Errors
    /// When the program has not said where it is, or PostgreSQL refuses.
    pub(crate) async fn of_flights(running: &Running) -> Result<Self, Failure> {
        let file: RunningFile = serde_json::from_slice(&fs::read(running.folder.path().join("data/running"))?)?;
        let address = file.databases.get("flight");
        let address = address.ok_or_else(|| Failure::Asked("there is no database of flights".to_owned()))?;
        let (client, connection) = tokio_postgres::connect(address, NoTls).await?;
        Ok(Self { client, connection: tokio::spawn(connection) })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
