use std::net::TcpListener;

use jetbridge_testing::{TestDatabase, eventually};
use reqwest::StatusCode;

use crate::system::{Ended, LIMIT, System, program, run_command};

/// Runs `jetbridge verify` to its end.
async fn verify(arguments: &[&str]) -> Ended {
    let mut command = program();
    command.arg("verify").args(arguments);
    run_command(command).await
}

#[tokio::test]
async fn a_running_system_is_as_it_has_to_be_until_a_row_is_changed() {
    let database = TestDatabase::create().await;
    let system = System::start_with(&["--database-url", &database.url()]).await;
    let api = system.api();
    api.new_landed().await;
    let deleted = api.new_flight().await;
    api.new_passenger(&deleted).await;
    api.delete_flight(&deleted).send().await.expect(StatusCode::NO_CONTENT);
    let empty = api.new_flight().await;
    api.delete_flight(&empty).send().await.expect(StatusCode::NO_CONTENT);
    let (departed, _) = api.new_departed().await;
    // The flight knows already that everybody has boarded, and hears it once more.
    let seen = api.new_flight().await;
    api.new_boarded(&seen).await;
    let all_boarded = eventually("the flight knows that all have boarded", LIMIT, async || {
        let flight = api.get(&format!("/api/flights/{seen}")).send().await.expect(StatusCode::OK);
        (flight.body["status"] == "allBoarded").then_some(flight)
    })
    .await;
    api.disembark(&seen).if_match(&all_boarded.etag()).send().await.expect(StatusCode::OK);

    let data_dir = system.data_dir().to_string_lossy().into_owned();
    let clean = verify(&["--data-dir", &data_dir]).await;
    clean.assert_ended(0, "no violation");

    let client = database.client().await;
    eventually("the departure is projected", LIMIT, async || {
        let sql =
            "UPDATE jetbridge_flight.flights SET status = 'arrived' WHERE id::text = $1 AND status = 'disembarked'";
        client.execute(sql, &[&departed]).await.unwrap() == 1
    })
    .await;
    let wrong = verify(&["--data-dir", &data_dir]).await;
    wrong.assert_ended(1, &format!("flight {departed}: a row is not what its events come to"));
    wrong.assert_ended(1, ": 1 violation");
}

#[tokio::test]
async fn what_cannot_be_read_is_neither_right_nor_wrong() {
    let mut system = System::start().await;
    let data_dir = system.data_dir().to_string_lossy().into_owned();
    let running = system.data_dir().join("running");
    assert!(running.exists());
    // Killed, so that what it has written down is still there.
    system.kill().await;
    assert!(running.exists());
    verify(&["--data-dir", &data_dir]).await.assert_ended(3, "error: cannot check it");

    system.restart().await;
    system.terminate().await;
    assert!(!running.exists());
    let stopped = verify(&["--data-dir", &data_dir]).await;
    stopped.assert_ended(3, "no Jetbridge is running on the data folder");

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (store, database) = (format!("esdb://{nobody}?tls=false"), format!("postgres://ada:s3cret@{nobody}/flights"));
    let away = verify(&["--event-store", &store, "--database-url", &database]).await;
    away.assert_ended(3, "the read models cannot be read");
    assert!(!away.stderr.contains("s3cret"));
}
