//! A read model of the accounts.

use std::collections::BTreeMap;

use deadpool_postgres::Transaction;
use jetbridge_testing::{TestDatabase, eventually};
use refinery::{Migration, Runner};
use shared_infrastructure::parking::{self, ParkedEvent};
use shared_infrastructure::postgres::Database;
use shared_infrastructure::reader::{Numbered, ProjectResult, Projection};
use shared_kernel::{DomainEvent, Revision, UndecodableEvent};
use uuid::Uuid;

use crate::accounts::Event;
use crate::bank::LIMIT;

/// The most that the table takes.
pub(crate) const MOST: i64 = 1_000;

const TABLE: &str = "CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    balance bigint NOT NULL CONSTRAINT most CHECK (balance <= 1000),
    events bigint NOT NULL
)";

/// Adds to what is there, so that an event that is projected twice shows.
const ADD: &str = "UPDATE accounts SET balance = balance + $2, events = events + 1 WHERE id = $1";
const OPEN: &str = "INSERT INTO accounts VALUES ($1, $2, 1)";

/// A migrated database of one test.
pub(crate) struct ReadDatabase {
    pub(crate) test: TestDatabase,
    pub(crate) database: Database,
}

/// The balance and how many events led to it, by account.
pub(crate) type Rows = BTreeMap<Uuid, (i64, i64)>;

impl ReadDatabase {
    pub(crate) async fn create() -> Self {
        let test = TestDatabase::create().await;
        let database = Database::new(&test.url()).unwrap();
        let migration = Migration::unapplied("V1__accounts", TABLE).unwrap();
        database.migrate(&Runner::new(&[migration])).await.unwrap();
        Self { test, database }
    }

    pub(crate) async fn rows(&self) -> Rows {
        let client = self.test.client().await;
        let rows = client.query("SELECT * FROM accounts", &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
    }

    /// A reader's checkpoint; -1 before the first event.
    pub(crate) async fn checkpoint(&self, reader: &str) -> i64 {
        let client = self.test.client().await;
        let row = client.query_opt("SELECT revision FROM checkpoints WHERE name = $1", &[&reader]).await.unwrap();
        row.map_or(-1, |row| row.get(0))
    }

    pub(crate) async fn parked(&self) -> Vec<ParkedEvent> {
        parking::list(&self.database, 10_000, None).await.unwrap().events
    }

    /// Waits until a connection other than this one holds the lock of those who lead, and gives it.
    pub(crate) async fn led_by_other_than(&self, pid: Option<i32>) -> i32 {
        let sql = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid IS DISTINCT FROM $1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        eventually("somebody else leads", LIMIT, async || {
            let row = self.test.client().await.query_opt(sql, &[&pid]).await.unwrap();
            row.map(|row| row.get(0))
        })
        .await
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.test.client().await.batch_execute(sql).await.unwrap();
    }
}

/// What the events lead to.
pub(crate) fn rows_of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Rows {
    let mut rows = Rows::new();
    for event in events {
        let (balance, events) = rows.entry(event.account()).or_default();
        *balance += event.change();
        *events += 1;
    }
    rows
}

pub(crate) fn bigint(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap()
}

/// Projects the accounts.
pub(crate) struct AccountRows;

impl Projection for AccountRows {
    type Event = Event;
    const NAME: &'static str = "accounts";
    const TABLES: &'static [&'static str] = &["accounts"];

    async fn project(&self, transaction: &Transaction<'_>, events: &[Numbered<Event>]) -> ProjectResult {
        for Numbered { event, .. } in events {
            let (account, change) = (event.account(), event.change());
            if transaction.execute(ADD, &[&account, &change]).await? == 0 {
                transaction.execute(OPEN, &[&account, &change]).await?;
            }
        }
        Ok(())
    }
}

/// The same with a fault: there is an amount that it hands over as something else.
pub(crate) struct FaultyAccountRows;

/// The amount that [`FaultyAccountRows`] cannot project.
pub(crate) const FAULTY: i64 = 13;

impl Projection for FaultyAccountRows {
    type Event = Event;
    const NAME: &'static str = AccountRows::NAME;
    const TABLES: &'static [&'static str] = AccountRows::TABLES;

    async fn project(&self, transaction: &Transaction<'_>, events: &[Numbered<Event>]) -> ProjectResult {
        AccountRows.project(transaction, events).await?;
        match events.iter().find(|numbered| numbered.event.change() == FAULTY) {
            Some(numbered) => transaction.execute(ADD, &[&numbered.event.account(), &"thirteen"]).await.map(drop),
            None => Ok(()),
        }
    }
}

/// The same of a newer version, which knows one more event type.
pub(crate) struct NewerAccountRows;

#[derive(Clone)]
pub(crate) struct NewerEvent(Event);

impl DomainEvent for NewerEvent {
    const VERSIONS: &'static [(&'static str, u32)] =
        &[("Deposited", 1), ("Withdrawn", 1), ("Emptied", 1), ("Refunded", 1)];
    const KEY_FIELD: &'static str = Event::KEY_FIELD;

    fn key(&self) -> Uuid {
        self.0.key()
    }

    fn event_type(&self) -> &'static str {
        self.0.event_type()
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        self.0.encode()
    }

    fn decode(event_type: &str, schema_version: u32, data: &[u8]) -> Result<Self, UndecodableEvent> {
        let event_type = if event_type == "Refunded" { "Deposited" } else { event_type };
        Event::decode(event_type, schema_version, data).map(Self)
    }
}

impl Projection for NewerAccountRows {
    type Event = NewerEvent;
    const NAME: &'static str = AccountRows::NAME;
    const TABLES: &'static [&'static str] = AccountRows::TABLES;

    async fn project(&self, transaction: &Transaction<'_>, events: &[Numbered<NewerEvent>]) -> ProjectResult {
        let events: Vec<_> =
            events.iter().map(|numbered| Numbered { event: numbered.event.0, revision: numbered.revision }).collect();
        AccountRows.project(transaction, &events).await
    }
}
