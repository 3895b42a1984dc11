//! A read model is rebuilt while flights go on, and what is wrong is found.

use std::process::Command;

use jetbridge_testing::Api;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::system::{Ended, System, program, run_command};

async fn run(server: &str, arguments: &[&str]) -> Ended {
    let mut command: Command = program();
    command.args(arguments).args(["--server", server]);
    run_command(command).await
}

/// Creates flights with passengers, and asks for each with the position of its making, until it is told to stop. Answers
/// how many there were.
async fn fly(api: &Api, stop: CancellationToken) -> usize {
    let mut flights = 0;
    while !stop.is_cancelled() {
        let flight = api.new_flight().await;
        let passenger = api.new_passenger(&flight).await;
        let boarded = api.board(&passenger).send().await.expect(StatusCode::OK).position();
        let found = async |path: String| api.get(&path).position(&boarded).send().await.expect(StatusCode::OK).body;
        assert_eq!(found(format!("/api/passengers/{passenger}")).await["status"], "boarded");
        assert_eq!(found(format!("/api/manifests/{flight}")).await["passengers"].as_array().unwrap().len(), 1);
        assert_eq!(found(format!("/api/flights/{flight}")).await["id"], flight.as_str());
        flights += 1;
    }
    flights
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_models_are_rebuilt_while_everything_goes_on() {
    let system = System::shared().await;
    let (api, stop) = (system.api(), CancellationToken::new());
    let flying = tokio::spawn({
        let (api, stop) = (system.api(), stop.clone());
        async move { fly(&api, stop).await }
    });
    for read_model in ["flights", "passengers"] {
        let ended = run(system.url(), &["rebuild", read_model, "--wait"]).await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        assert!(ended.stdout.contains(read_model) && ended.stdout.contains("done"), "{}", ended.stdout);
    }
    stop.cancel();
    assert!(flying.await.unwrap() > 0);
    let listed = api.get("/api/admin/rebuild").send().await.expect(StatusCode::OK).body;
    for (rebuild, name) in listed["rebuilds"].as_array().unwrap().iter().zip(["flights", "passengers"]) {
        assert_eq!([&rebuild["readModel"], &rebuild["status"]], [&json!(name), &json!("done")]);
        assert_eq!([&rebuild["events"], &rebuild["secondsLeft"]], [&rebuild["of"], &json!(0)]);
    }
    run(system.url(), &["rebuild", "seats"]).await.assert_failed(&["invalid-request"]);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let system = System::shared().await;
    let ended = run(system.url(), &["diagnose", "--json"]).await;
    let diagnosis: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&diagnosis["healthy"], &diagnosis["faults"]), (&json!(true), &json!([])), "{}", ended.stdout);
    assert_eq!(diagnosis["unchecked"][0]["what"], "streams and read models");
    assert_eq!(ended.status.code(), Some(0));

    let ended = run("http://127.0.0.1:1", &["diagnose"]).await;
    assert_eq!(ended.status.code(), Some(3));
    assert!(ended.stderr.contains("cannot be reached"), "{}", ended.stderr);
}
