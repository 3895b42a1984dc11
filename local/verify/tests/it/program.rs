//! The program that is in the images of the processors.

use std::process::{Command, Output};

use jetbridge_verify::Stores;

use crate::support::{System, created};

const PROGRAM: &str = env!("CARGO_BIN_EXE_verify");

#[test]
fn every_setting_is_documented() {
    jetbridge_testing::assert_settings_documented(PROGRAM);
}

/// Checks what is in these stores, from the environment, as in a container. The passwords are in files.
async fn verify(stores: &Stores) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("JETBRIDGE_EVENT_STORE", &stores.event_store).env("JETBRIDGE_SETTLE", "0");
    for (domain, url) in [("FLIGHT", &stores.flight_database), ("PASSENGER", &stores.passenger_database)] {
        let file = folder.path().join(domain);
        std::fs::write(&file, "not-asked-for-by-the-server-of-the-tests").unwrap();
        command.env(format!("JETBRIDGE_{domain}_DATABASE_URL"), url);
        command.env(format!("JETBRIDGE_{domain}_DATABASE_PASSWORD_FILE"), file);
    }
    tokio::task::spawn_blocking(move || {
        let output = command.output().unwrap();
        drop(folder);
        output
    })
    .await
    .unwrap()
}

fn ended(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn its_exit_code_says_what_was_found() {
    let system = System::start().await;
    system.append(created()).await;
    system.project(vec![created()], vec![]).await;
    let nothing_wrong = "checked 1 flight events, 0 passenger events and 1 rows: no violation\n";
    assert_eq!(ended(&verify(&system.stores()).await), (Some(0), nothing_wrong.to_owned()));

    system.flights.client().await.batch_execute("UPDATE flights SET destination = 'Paris'").await.unwrap();
    let (code, said) = ended(&verify(&system.stores()).await);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("a row is not what its events come to") && said.ends_with(": 1 violation\n"), "{said}");

    let elsewhere = Stores { event_store: "esdb://127.0.0.1:1?tls=false".to_owned(), ..system.stores() };
    let output = verify(&elsewhere).await;
    assert_eq!(ended(&output), (Some(3), String::new()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the streams cannot be read"));
}
