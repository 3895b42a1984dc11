//! Databases of their own for tests that run side by side.

use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jetbridge_testing::{TestDatabase, TestPostgres, eventually};
use tokio_postgres::NoTls;

#[tokio::test]
async fn databases_do_not_see_each_other() {
    let (one, other) = tokio::join!(TestDatabase::create(), TestDatabase::create());
    one.client().await.batch_execute("CREATE TABLE thing (id int)").await.unwrap();
    other.client().await.batch_execute("CREATE TABLE thing (id int)").await.unwrap();
    let config = tokio_postgres::Config::from_str(&one.url()).unwrap();
    assert_eq!(config.get_dbname(), Some(one.name()));
}

#[tokio::test]
async fn a_template_is_prepared_once_and_copied() {
    static PREPARED: AtomicUsize = AtomicUsize::new(0);
    let create = || {
        TestDatabase::from_template("counted", async |config| {
            PREPARED.fetch_add(1, Ordering::SeqCst);
            let (client, connection) = config.connect(NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute("CREATE TABLE thing (id int); INSERT INTO thing VALUES (1)").await.unwrap();
            // The connection is still open: the copy has to cope with it.
            std::mem::forget(client);
        })
    };
    let databases = tokio::join!(create(), create(), create());
    for database in [&databases.0, &databases.1, &databases.2] {
        let client = database.client().await;
        client.batch_execute("INSERT INTO thing VALUES (2)").await.unwrap();
        let row = client.query_one("SELECT count(*) FROM thing", &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 2);
    }
    assert_eq!(PREPARED.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_database_is_dropped_with_its_handle() {
    let database = TestDatabase::create().await;
    let name = database.name().to_owned();
    let held_open = database.client().await;
    drop(database);
    let (client, connection) = TestPostgres::shared().await.config("postgres").connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    eventually("the database is gone", Duration::from_secs(20), async || {
        client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.unwrap().is_none()
    })
    .await;
    assert!(held_open.simple_query("SELECT 1").await.is_err());
}

#[tokio::test]
async fn clients_can_be_disconnected() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    database.disconnect_clients().await;
    eventually("the client notices", Duration::from_secs(20), async || client.is_closed()).await;
    database.client().await;
}
