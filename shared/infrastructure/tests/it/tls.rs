//! Encrypted connections: PostgreSQL and an event store behind a server that ends TLS in front of them.

use std::net::Ipv4Addr;
use std::time::Duration;

use jetbridge_testing::{TestAuthority, TestDatabase, TestEventStore, TlsFront, eventually};
use shared_infrastructure::event_store::{EventStore, StoreError};
use shared_infrastructure::postgres::Database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

const LIMIT: Duration = Duration::from_secs(10);

async fn connect(url: &str) -> Result<(), String> {
    let database = Database::new(url).map_err(|error| error.to_string())?;
    let client = database.client().await.map_err(|error| error.to_string())?;
    client.query_one("SELECT 1", &[]).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn postgresql_is_spoken_to_encrypted_and_only_if_it_is_who_it_should_be() {
    let (database, authority) = (TestDatabase::create().await, TestAuthority::new());
    let front = TlsFront::of_database(&database, &authority, "localhost").await;
    let ca = authority.file().display().to_string();
    assert_eq!(connect(&front.database_url(&database, "sslmode=require")).await, Ok(()));
    assert_eq!(connect(&front.database_url(&database, &format!("sslmode=verify-full&sslrootcert={ca}"))).await, Ok(()));

    let stranger = TestAuthority::new().file().display().to_string();
    let missing = connect(&front.database_url(&database, &format!("sslmode=verify-full&sslrootcert={stranger}"))).await;
    assert!(missing.unwrap_err().contains(&format!("cannot use the certificate authorities in {stranger}")));
    let other = TestAuthority::new();
    let (ca_of_other, no_ca) = (other.file().display().to_string(), "sslmode=verify-full".to_owned());
    for parameters in [format!("sslmode=verify-full&sslrootcert={ca_of_other}"), no_ca] {
        let refused = connect(&front.database_url(&database, &parameters)).await.unwrap_err();
        assert!(refused.contains("signed by an authority that is not trusted here"), "{parameters}: {refused}");
    }

    let elsewhere = TlsFront::of_database(&database, &authority, "other.example").await;
    let refused = connect(&elsewhere.database_url(&database, &format!("sslmode=verify-full&sslrootcert={ca}"))).await;
    assert!(refused.as_ref().unwrap_err().contains("certificate is for another name"), "{refused:?}");
    assert_eq!(connect(&elsewhere.database_url(&database, "sslmode=require")).await, Ok(()));
}

#[tokio::test]
async fn a_server_without_encryption_is_not_spoken_to_where_it_is_required() {
    // Whatever answers no to the request for TLS.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let _server = AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut request = [0; 8];
            client.read_exact(&mut request).await.unwrap();
            client.write_all(b"N").await.unwrap();
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
            assert!(rest.is_empty(), "it goes on unencrypted");
        }
    }));
    let refused = connect(&format!("postgres://ada:s3cret@localhost:{port}/x?sslmode=require")).await.unwrap_err();
    assert!(refused.contains("server does not support TLS"), "{refused}");
}

#[tokio::test]
async fn an_unencrypted_connection_to_another_machine_has_to_be_asked_for() {
    for (address, mode) in [
        ("postgres://ada:s3cret@db.example/x", ""),
        ("postgres://ada:s3cret@db.example/x?", "sslmode=prefer"),
        ("host=db.example user=ada password=s3cret", ""),
        ("host=db.example user=ada password=s3cret", " sslmode=prefer"),
        ("host=/run/postgresql,db.example user=ada", ""),
        ("postgres://ada@127.0.0.1,10.0.0.1/x", ""),
        ("host=localhost hostaddr=10.0.0.1 user=ada", ""),
    ] {
        let refused = Database::new(&format!("{address}{mode}")).err().unwrap().to_string();
        assert!(refused.contains("or sslmode=disable for one that is not encrypted"), "{address}{mode}: {refused}");
        assert!(!refused.contains("s3cret"), "{refused}");
    }
    for address in [
        "postgres://ada@db.example/x?sslmode=disable",
        "postgres://ada@db.example/x?sslmode=require",
        "host=db.example sslmode=disable user=ada",
        "postgres://ada@localhost/x",
        "postgres://ada@127.0.0.2,[::1]/x?sslmode=prefer",
        "postgres://ada@%2Frun%2Fpostgresql/x",
        "host=/run/postgresql user=ada",
        "host=db.example hostaddr=127.0.0.1 user=ada",
    ] {
        assert!(Database::new(address).is_ok(), "{address}");
    }
}

#[tokio::test]
async fn a_key_value_address_speaks_tls_if_it_asks_for_it() {
    let (database, authority) = (TestDatabase::create().await, TestAuthority::new());
    let front = TlsFront::of_database(&database, &authority, "localhost").await;
    let (url, ca) = (database.url(), authority.file().display().to_string());
    let password = url.split_once("://").unwrap().1.split(['@', ':']).nth(1).unwrap();
    let pairs =
        format!("host=localhost port={} user=jetbridge password={password} dbname={}", front.port(), database.name());
    // The front speaks to nobody who does not ask for TLS.
    assert!(connect(&pairs).await.is_err());
    for mode in ["sslmode=require", "sslmode=prefer", &format!("sslmode = verify-full sslrootcert='{ca}'")] {
        assert_eq!(connect(&format!("{pairs} {mode}")).await, Ok(()), "{mode}");
    }
    // Where the server does not offer it, prefer goes on without.
    assert_eq!(connect(&format!("{url}&sslmode=prefer")).await, Ok(()));
}

#[tokio::test]
async fn an_event_store_with_tls_has_to_prove_its_name() {
    let (store, authority) = (TestEventStore::start().await, TestAuthority::new());
    let address = store.address();
    let front = TlsFront::of_server(address, &authority, "localhost").await;
    let ca = authority.file().display().to_string();
    let url = |front: &TlsFront, ca: &str| format!("esdb://ada:s3cret@localhost:{}?tlsCAFile={ca}", front.port());

    let trusted = EventStore::new(&url(&front, &ca)).unwrap();
    eventually("the event store answers", LIMIT, async || trusted.last_revision("a-stream").await).await;

    let reason = async |address: &str| {
        let event_store = EventStore::new(address).unwrap();
        match event_store.last_revision("a-stream").await {
            Err(StoreError::Unavailable(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    let appending = async |address: &str| match EventStore::new(address).unwrap().appender("a-stream").check().await {
        Err(StoreError::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(trusted.appender("a-stream").check().await, Ok(None));

    let other = TestAuthority::new();
    let elsewhere = TlsFront::of_server(address, &authority, "other.example").await;
    let (host, plain) = (format!("localhost:{}", front.port()), format!("127.0.0.1:{}", address.port()));
    for (address, words) in [
        (
            url(&front, &other.file().display().to_string()),
            format!("{host} was signed by an authority that is not trusted"),
        ),
        (url(&elsewhere, &ca), "is for another name".to_owned()),
        (format!("esdb://{plain}?tlsCAFile={ca}"), format!("{plain} does not speak TLS")),
        (format!("esdb://{host}?tls=false"), format!("{host} speaks TLS, but the address says tls=false")),
        ("esdb://127.0.0.1:1?tls=false".to_owned(), "127.0.0.1:1 cannot be reached".to_owned()),
    ] {
        for reason in [reason(&address).await, appending(&address).await] {
            assert!(reason.contains(&words), "{address}: {reason}");
        }
    }
    let unverified = EventStore::new(&format!("{}&tlsVerifyCert=false", url(&elsewhere, &ca))).unwrap();
    assert_eq!(unverified.appender("a-stream").check().await, Ok(None));
}
