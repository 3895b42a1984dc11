//! The same key gives the same outcome, once.

use jetbridge_testing::{Answer, Api, Call, flight_details, unique};
use reqwest::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use crate::history::History;
use crate::system::System;

/// Sends a command twice with the same key, after `meanwhile` has happened. Both answers are the same, and it has
/// happened once.
async fn assert_repeatable(
    api: &Api,
    command: impl Fn() -> Call,
    status: StatusCode,
    meanwhile: Option<Call>,
) -> Answer {
    let key = unique();
    let first = command().known_by(&key).send().await.expect(status);
    if let Some(meanwhile) = meanwhile {
        meanwhile.send().await;
    }
    let second = command().known_by(&key).send().await;
    assert_same(&first, &second);
    let history = History::read(api).await;
    let commands: Vec<_> = history.with_key(&key).map(|entry| &entry.metadata["commandId"]).collect();
    assert!(!commands.is_empty(), "{first:?}");
    assert!(commands.iter().all(|id| *id == commands[0]), "{first:?}");
    first
}

#[track_caller]
fn assert_same(first: &Answer, second: &Answer) {
    assert_eq!((second.status, &second.text), (first.status, &first.text), "{}", second.what);
    for header in ["Location", "ETag"] {
        assert_eq!(second.header(header), first.header(header), "{header}: {}", second.what);
    }
}

#[tokio::test]
async fn a_repeated_command_is_carried_out_once_and_answered_alike() {
    let api = System::shared().await.api();
    let rename_flight = |id: &str, number: &str| {
        let mut details = flight_details();
        details["flightNumber"] = json!(number);
        api.put(&format!("/api/flights/{id}")).json(&details)
    };
    let flight = assert_repeatable(&api, || api.create_flight(), StatusCode::CREATED, None).await.id();
    let correction = || rename_flight(&flight, "JB 2");
    assert_repeatable(&api, correction, StatusCode::OK, Some(rename_flight(&flight, "JB 3"))).await;

    let add = || api.add(&flight, "Ada Lovelace");
    let ada = assert_repeatable(&api, add, StatusCode::CREATED, None).await.id();
    let rename = || api.rename(&ada, "Ada King");
    assert_repeatable(&api, rename, StatusCode::OK, Some(api.rename(&ada, "Ada"))).await;
    let grace = api.new_passenger(&flight).await;
    assert_repeatable(&api, || api.offload(&grace), StatusCode::OK, None).await;
    assert_repeatable(&api, || api.board(&ada), StatusCode::OK, None).await;
    assert_repeatable(&api, || api.disembark(&flight), StatusCode::OK, None).await;
    assert_repeatable(&api, || api.land(&flight), StatusCode::OK, None).await;
    assert_repeatable(&api, || api.delete_flight(&flight), StatusCode::NO_CONTENT, None).await;
}

#[tokio::test]
async fn what_happened_since_does_not_change_a_repeated_answer() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let boarded = api.new_passenger(&flight).await;
    let board = || api.board(&boarded);
    assert_repeatable(&api, board, StatusCode::OK, Some(api.offload(&boarded))).await;
    let added = assert_repeatable(&api, || api.add(&flight, "Ada"), StatusCode::CREATED, None).await.id();
    api.board(&added).send().await.expect(StatusCode::OK);
    let land = api.land(&flight);
    assert_repeatable(&api, || api.disembark(&flight), StatusCode::OK, Some(land)).await;

    // Even that a passenger was added is answered as it was when the flight has left.
    let (key, other) = (unique(), api.new_flight().await);
    let first = api.add(&other, "Grace").key(&key).send().await.expect(StatusCode::CREATED);
    api.board(&first.id()).send().await.expect(StatusCode::OK);
    api.disembark(&other).send().await.expect(StatusCode::OK);
    assert_same(&first, &api.add(&other, "Grace").key(&key).send().await);
}

/// Client libraries write the same thing in more than one way.
#[tokio::test]
async fn a_repeated_command_may_be_written_otherwise() {
    let api = System::shared().await.api();
    let (flight, key) = (api.new_flight().await, unique());
    let add = |path: &str, body: String| api.post(path).key(&key).raw_json(body).send();
    let first = add("/api/passengers", format!(r#"{{"flightId":"{flight}","name":"Zoë"}}"#)).await;
    let first = first.expect(StatusCode::CREATED);
    for (path, body) in [
        ("/api/passengers", format!(r#"{{"name":"Zoë","flightId":"{flight}"}}"#)),
        ("/api/p%61ssengers", format!("{{ \"flightId\" :\"{flight}\",\r\n \"name\": \"Zo\\u00eb\" }}")),
    ] {
        assert_same(&first, &add(path, body).await);
    }
    let other = add("/api/passengers", format!(r#"{{"flightId":"{flight}","name":"Zoe"}}"#)).await;
    other.expect_problem(422, "idempotency-key-reused");
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let api = System::shared().await.api();
    let (flight, other) = (api.new_flight().await, api.new_flight().await);
    let (key, passenger) = (unique(), api.new_passenger(&flight).await);
    api.add(&flight, "Ada").key(&key).send().await.expect(StatusCode::CREATED);
    for command in
        [api.add(&flight, "Grace"), api.add(&other, "Ada"), api.board(&passenger), api.rename(&passenger, "Ada")]
    {
        command.key(&key).send().await.expect_problem(422, "idempotency-key-reused");
    }
    let key = unique();
    api.create_flight().known_by(&key).send().await.expect(StatusCode::CREATED);
    for command in [api.delete_flight(&other), api.put(&format!("/api/flights/{other}")).json(&flight_details())] {
        command.key(&key).send().await.expect_problem(422, "idempotency-key-reused");
    }
    api.board(&passenger).send().await.expect(StatusCode::OK);
    api.disembark(&flight).key(&key).send().await.expect_problem(422, "idempotency-key-reused");
    let history = History::read(&api).await;
    assert_eq!(history.with_key(&key).count(), 1);
}

#[tokio::test]
async fn the_key_of_a_refused_command_decides_anew() {
    let api = System::shared().await.api();
    let (key, flight) = (unique(), api.new_flight().await);
    let passenger = api.new_passenger(&flight).await;
    api.disembark(&flight).key(&key).send().await.expect_problem(409, "not-all-boarded");
    api.board(&passenger).send().await.expect(StatusCode::OK);
    let departed = api.disembark(&flight).key(&key).send().await.expect(StatusCode::OK);
    assert_same(&departed, &api.disembark(&flight).key(&key).send().await);
    api.disembark(&flight).key(&unique()).send().await.expect_problem(409, "flight-departed");
}

/// Sends a command sixteen times at once with the same key. All answers are the same, and it has happened once.
async fn assert_carried_out_once(api: &Api, command: impl Fn(&Api) -> Call) {
    let key = unique();
    let mut answers = JoinSet::new();
    for _ in 0..16 {
        answers.spawn(command(&api.another_connection()).known_by(&key).send());
    }
    let answers = answers.join_all().await;
    assert!(answers[0].status.is_success(), "{:?}", answers[0]);
    for answer in &answers {
        assert_same(&answers[0], answer);
    }
    let history = History::read(api).await;
    assert_eq!(history.with_key(&key).count(), 1, "{:?}", answers[0]);
}

#[tokio::test]
async fn concurrent_duplicates_are_carried_out_once() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let passenger = api.new_passenger(&flight).await;
    let commands: [&(dyn Fn(&Api) -> Call + Sync); 4] =
        [&|api| api.create_flight(), &|api| api.add(&flight, "Ada"), &|api| api.rename(&passenger, "Grace"), &|api| {
            api.board(&passenger)
        }];
    for command in commands {
        assert_carried_out_once(&api, command).await;
    }
}

#[tokio::test]
async fn concurrent_duplicates_of_a_departure_are_carried_out_once() {
    let api = System::shared().await.api();
    let at_gate = api.new_flight().await;
    api.new_boarded(&at_gate).await;
    let commands = [
        (Api::disembark as fn(&Api, &str) -> Call, at_gate),
        (Api::land, api.new_departed().await.0),
        (Api::delete_flight, api.new_landed().await.0),
    ];
    for (command, flight) in commands {
        assert_carried_out_once(&api, |api| command(api, &flight)).await;
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let api = System::shared().await.api();
    for key in ["", " ", "é", &"x".repeat(256)] {
        api.create_flight().key(key).send().await.expect_problem(400, "malformed-header");
    }
    api.create_flight().key("a1").key("a2").send().await.expect_problem(400, "malformed-header");
    let longest = format!("{}{}", unique(), "~".repeat(223));
    api.create_flight().key(&longest).send().await.expect(StatusCode::CREATED);
}
