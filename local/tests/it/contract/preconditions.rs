//! If-Match and If-None-Match.

use jetbridge_testing::{Call, flight_details};
use reqwest::StatusCode;

use crate::history::History;
use crate::system::System;

#[tokio::test]
async fn a_command_for_what_has_changed_since_is_refused() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let passenger = api.add(&flight, "Ada").send().await.expect(StatusCode::CREATED);
    let (seen, passenger) = (passenger.etag(), passenger.id());
    let current = api.rename(&passenger, "Grace").if_match(&seen).send().await.expect(StatusCode::OK).etag();
    assert_ne!(seen, current);
    let commands: [&dyn Fn() -> Call; 3] =
        [&|| api.rename(&passenger, "Alan"), &|| api.board(&passenger), &|| api.offload(&passenger)];
    for command in commands {
        for stale in [seen.as_str(), &format!("W/{current}"), "\"999999999\"", "\"\"", "\"x\""] {
            command().if_match(stale).send().await.expect_problem(412, "precondition-failed");
        }
        for malformed in ["", "x", "12", "\"12", "W/12"] {
            command().if_match(malformed).send().await.expect_problem(400, "malformed-header");
        }
    }
    let both = format!("{seen}, {current}");
    let boarded = api.board(&passenger).if_match(&both).send().await.expect(StatusCode::OK);
    api.offload(&passenger).if_match(&boarded.etag()).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn flights_change_only_as_they_were_seen() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    api.new_boarded(&flight).await;
    let stale = "\"0\"";
    let correction = || api.put(&format!("/api/flights/{flight}")).json(&flight_details());
    let commands: [&dyn Fn() -> Call; 4] =
        [&correction, &|| api.disembark(&flight), &|| api.land(&flight), &|| api.delete_flight(&flight)];
    for command in commands {
        command().if_match(stale).send().await.expect_problem(412, "precondition-failed");
        command().if_match("nonsense").send().await.expect_problem(400, "malformed-header");
    }
    let current = correction().if_match("*").send().await.expect(StatusCode::OK).etag();
    let departed = api.disembark(&flight).if_match(&current).send().await.expect(StatusCode::OK);
    let landed = api.land(&flight).if_match(&departed.etag()).send().await.expect(StatusCode::OK);
    api.delete_flight(&flight).if_match(&departed.etag()).send().await.expect_problem(412, "precondition-failed");
    api.delete_flight(&flight).if_match(&landed.etag()).send().await.expect(StatusCode::NO_CONTENT);
    api.delete_flight(&flight).if_match("*").send().await.expect_problem(404, "flight-not-found");
}

/// A departure that is refused for its If-Match has not sealed anything.
#[tokio::test]
async fn a_stale_departure_leaves_no_trace() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    api.new_boarded(&flight).await;
    api.disembark(&flight).if_match("\"0\"").send().await.expect_problem(412, "precondition-failed");
    let history = History::read(&api).await;
    assert!(history.of_flight(&flight).iter().all(|entry| entry.event_type != "ManifestSealed"));
    api.new_passenger(&flight).await;
}

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let passenger = api.new_passenger(&flight).await;
    let boarded = api.board(&passenger).send().await.expect(StatusCode::OK);
    for path in
        [format!("/api/flights/{flight}"), format!("/api/passengers/{passenger}"), format!("/api/manifests/{flight}")]
    {
        let get = || api.get(&path).position(&boarded.position());
        let etag = get().send().await.expect(StatusCode::OK).etag();
        for known in [etag.as_str(), &format!("W/{etag}"), &format!("\"0\", {etag}"), "*"] {
            let answer = get().header("If-None-Match", known).send().await.expect(StatusCode::NOT_MODIFIED);
            assert_eq!((answer.text.as_str(), answer.etag()), ("", etag.clone()));
            assert!(!answer.position().is_empty());
        }
        for unknown in ["\"999999999\"", "\"x\"", "nonsense"] {
            get().header("If-None-Match", unknown).send().await.expect(StatusCode::OK);
        }
    }
}

/// `If-None-Match` on a command rules out what is there (RFC 9110, 13.1.2), and nothing is done.
#[tokio::test]
async fn a_command_on_what_is_ruled_out_is_refused() {
    let api = System::shared().await.api();
    let flight = api.new_flight().await;
    let passenger = api.add(&flight, "Ada").send().await.expect(StatusCode::CREATED);
    let (current, passenger) = (passenger.etag(), passenger.id());
    let commands: [&dyn Fn() -> Call; 5] = [
        &|| api.rename(&passenger, "Alan"),
        &|| api.board(&passenger),
        &|| api.put(&format!("/api/flights/{flight}")).json(&flight_details()),
        &|| api.disembark(&flight),
        &|| api.delete_flight(&flight),
    ];
    for command in commands {
        command().header("If-None-Match", "*").send().await.expect_problem(412, "precondition-failed");
        command().header("If-None-Match", "*, \"1\"").send().await.expect_problem(400, "malformed-header");
    }
    for known in [current.clone(), format!("W/{current}"), format!("\"x\", ,{current}")] {
        let refused = api.board(&passenger).header("If-None-Match", &known).send().await;
        refused.expect_problem(412, "precondition-failed");
    }
    let board =
        api.board(&passenger).header("If-None-Match", "\"999999999\"").if_match(&format!("\"999999999\", {current}"));
    let boarded = board.send().await.expect(StatusCode::OK).position();
    let shown = api.get(&format!("/api/flights/{flight}")).position(&boarded).send().await.expect(StatusCode::OK);
    let several = format!("\"0\", {}, \"999999999\"", shown.etag());
    api.disembark(&flight).if_match(&several).send().await.expect(StatusCode::OK);
}
