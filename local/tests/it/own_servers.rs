use std::net::TcpListener;

use jetbridge_testing::{TestAuthority, TestDatabase, TestEventStore, TestPostgres, TlsFront, http};
use serde_json::{Value, json};

use crate::system::{System, run_to_end};

/// Carries out a command in each domain, and reads what became of it.
async fn assert_works(system: &System) {
    let client = http();
    let flight = json!({"flightNumber": "JB 1", "origin": "HAM", "destination": "OSL"});
    let response = client.post(system.at("/api/flights")).json(&flight).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let flight: Value = response.json().await.unwrap();

    let passenger = json!({"flightId": flight["id"], "name": "Ada Lovelace"});
    let response = client.post(system.at("/api/passengers")).json(&passenger).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let position = response.headers()["Jetbridge-Position"].clone();

    let path = format!("/api/passengers?flightId={}", flight["id"].as_str().unwrap());
    let request = client.get(system.at(&path)).header("Jetbridge-Position", &position);
    let passengers: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(passengers["items"][0]["name"], "Ada Lovelace", "{passengers}");
    let path = "/api/flights?text=ham";
    let request = client.get(system.at(path)).header("Jetbridge-Position", &position);
    let flights: Value = request.send().await.unwrap().json().await.unwrap();
    let mut found = flights["items"].as_array().unwrap().iter();
    assert!(found.any(|found| found["id"] == flight["id"]), "{flights}");
}

/// A database that belongs to a role without any other rights, and its address.
async fn database_of_a_plain_role() -> (TestDatabase, String) {
    let database = TestDatabase::create().await;
    let role = format!("owner_of_{}", database.name());
    let client = database.client().await;
    client
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 's3cret'; ALTER DATABASE {} OWNER TO {role}",
            database.name()
        ))
        .await
        .unwrap();
    let url = TestPostgres::shared().await.url(database.name());
    let (_, rest) = url.split_once('@').unwrap();
    (database, format!("postgres://{role}:s3cret@{rest}"))
}

#[tokio::test]
async fn a_database_of_ones_own_holds_a_schema_for_each_domain() {
    let (database, url) = database_of_a_plain_role().await;
    let mut system = System::start_with(&["--database-url", &url]).await;
    assert_works(&system).await;

    let client = database.client().await;
    let query =
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename IN ('flights', 'passengers') ORDER BY 1";
    let tables: Vec<String> = client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(tables, ["jetbridge_flight.flights", "jetbridge_passenger.passengers"]);
    let query = "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'";
    let trigram_indexes: i64 = client.query_one(query, &[]).await.unwrap().get(0);
    assert_eq!(trigram_indexes, 2);
    assert!(!system.data_dir().join("postgres").exists());

    system.restart().await;
    assert_works(&system).await;
}

#[tokio::test]
async fn with_both_servers_of_ones_own_nothing_is_kept_here() {
    let (_database, url) = database_of_a_plain_role().await;
    let event_store = TestEventStore::start().await;
    let settings = ["--database-url", &url, "--event-store", event_store.connection_string()];
    let system = System::start_with(&settings).await;
    assert_works(&system).await;
    assert!(!system.data_dir().exists());
}

#[tokio::test]
async fn a_database_of_ones_own_may_be_spoken_to_with_tls_only() {
    let (database, authority) = (TestDatabase::create().await, TestAuthority::new());
    let front = TlsFront::of_database(&database, &authority, "localhost").await;
    let verified = format!("sslmode=verify-full&sslrootcert={}", authority.file().display());
    let system = System::start_with(&["--database-url", &front.database_url(&database, &verified)]).await;
    assert_works(&system).await;
}

#[tokio::test]
async fn a_database_that_does_not_prove_its_name_is_refused_at_once() {
    let (database, authority) = (TestDatabase::create().await, TestAuthority::new());
    let front = TlsFront::of_database(&database, &authority, "localhost").await;
    let elsewhere = TlsFront::of_database(&database, &authority, "other.example").await;
    let (ca, ca_of_other) = (authority.file(), TestAuthority::new());
    for (front, ca, words) in [
        (&front, ca_of_other.file(), "the server's certificate was signed by an authority that is not trusted here"),
        (&elsewhere, ca, "the server's certificate is for another name"),
    ] {
        let parameters = format!("sslmode=verify-full&sslrootcert={}", ca.display());
        let ended = run_to_end(&["--database-url", &front.database_url(&database, &parameters)]).await;
        ended.assert_failed(&["cannot use the database", "localhost", words]);
        assert!(!ended.stderr.contains("waiting"), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_reported_with_their_file() {
    let url = "postgres://ada:s3cret@localhost/flights?sslmode=verify-full&sslrootcert=/nowhere/ca.pem";
    let ended = run_to_end(&["--database-url", url]).await;
    ended.assert_failed(&["localhost/flights", "cannot use the certificate authorities in /nowhere/ca.pem"]);
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
}

fn closed_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_database_that_is_not_there_is_reported_without_its_password() {
    let address = closed_port();
    let url = format!("postgres://ada:s3cret@{address}/flights");
    let ended = run_to_end(&["--database-url", &url]).await;
    ended.assert_failed(&["cannot use the database", &format!("{address}/flights")]);
    assert!(ended.stderr.contains("--database-url"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_refused_login_is_reported_at_once() {
    let (_database, url) = database_of_a_plain_role().await;
    let ended = run_to_end(&["--database-url", &url.replace("owner_of_", "nobody_of_")]).await;
    ended.assert_failed(&["cannot use the database", "nobody_of_", "does not exist"]);
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("waiting"), "{}", ended.stderr);
}

#[tokio::test]
async fn an_event_store_that_is_not_there_is_reported_without_its_password() {
    let address = closed_port();
    let url = format!("esdb://admin:s3cret@{address}?tls=false");
    let ended = run_to_end(&["--event-store", &url]).await;
    ended.assert_failed(&["cannot use the event store", &address]);
    assert!(ended.stderr.contains("--event-store"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
}

#[tokio::test]
async fn addresses_that_are_none_are_reported_without_their_passwords() {
    for arguments in [
        ["--database-url", "mysql://ada:s3cret@db/flights"],
        ["--database-url", "postgres://ada:s3cret@db/flights?no_such_parameter=s3"],
        ["--event-store", "esdb://admin:s3/cret@db:2113"],
    ] {
        let ended = run_to_end(&arguments).await;
        ended.assert_failed(&["it must be like"]);
        assert!(!ended.stderr.contains("s3"), "{}", ended.stderr);
    }
}
