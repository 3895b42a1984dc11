//! Methods, paths and pages: what HTTP says.

use jetbridge_testing::{http, unknown_id};
use reqwest::{Method, StatusCode};

use crate::events::Feed;
use crate::system::System;

#[tokio::test]
async fn methods_that_a_path_does_not_have_are_refused_with_those_it_has() {
    let api = System::shared().await.api();
    let id = unknown_id();
    for (path, allowed) in [
        ("/api/flights".to_owned(), "GET,HEAD,POST"),
        (format!("/api/flights/{id}"), "GET,HEAD,PUT,DELETE"),
        (format!("/api/flights/{id}/disembark"), "POST"),
        (format!("/api/flights/{id}/land"), "POST"),
        ("/api/passengers".to_owned(), "GET,HEAD,POST"),
        (format!("/api/passengers/{id}"), "GET,HEAD,PUT"),
        (format!("/api/passengers/{id}/board"), "POST"),
        (format!("/api/passengers/{id}/offload"), "POST"),
        ("/api/manifests".to_owned(), "GET,HEAD"),
        (format!("/api/manifests/{id}"), "GET,HEAD"),
        ("/api/auditlog/all".to_owned(), "GET,HEAD"),
        ("/api/auditlog/flights".to_owned(), "GET,HEAD"),
        ("/api/auditlog/passengers".to_owned(), "GET,HEAD"),
        ("/api/auditlog/refusals".to_owned(), "GET,HEAD"),
        ("/api/auditlog/events".to_owned(), "GET,HEAD"),
        ("/api/changes".to_owned(), "GET,HEAD"),
        ("/api/health".to_owned(), "GET,HEAD"),
        ("/health/live".to_owned(), "GET,HEAD"),
        ("/health/ready".to_owned(), "GET,HEAD"),
    ] {
        let mut allowed: Vec<_> = allowed.split(',').collect();
        allowed.sort_unstable();
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            if allowed.contains(&method) {
                continue;
            }
            let refused = api.call(Method::from_bytes(method.as_bytes()).unwrap(), &path).send().await;
            let refused = refused.expect_problem(405, "method-not-allowed");
            let mut offered: Vec<_> = refused.header("Allow").unwrap().split(',').map(str::trim).collect();
            offered.sort_unstable();
            assert_eq!(offered, allowed, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn paths_that_do_not_exist_are_not_found() {
    let api = System::shared().await.api();
    let id = unknown_id();
    for path in [
        "/nowhere".to_owned(),
        "/api".to_owned(),
        "/api/".to_owned(),
        "/api/nowhere".to_owned(),
        "/api/flights/".to_owned(),
        "/api/flight".to_owned(),
        "/api/flightsx".to_owned(),
        "/API/flights".to_owned(),
        "//api/flights".to_owned(),
        format!("/api/flights/{id}/"),
        format!("/api/flights/{id}/take-off"),
        format!("/api/flights/{id}/land/now"),
        format!("/api/passengers/{id}/disembark"),
        "/api/auditlog".to_owned(),
        "/api/auditlog/nothing".to_owned(),
        "/rpc".to_owned(),
        "/.git/config".to_owned(),
        "/api/%2e%2e/health".to_owned(),
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            api.call(method, &path).send().await.expect_problem(404, "not-found");
        }
    }
    api.get("/problems/nothing").send().await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn head_answers_as_get_does_without_the_body() {
    let api = System::shared().await.api();
    let created = api.create_flight().send().await.expect(StatusCode::CREATED);
    let added = api.add(&created.id(), "Ada Lovelace").send().await.expect(StatusCode::CREATED);
    let (passenger, shown) = (added.id(), format!("{}.{}", created.position(), added.position()));
    for path in [
        format!("/api/flights/{}", created.id()),
        format!("/api/passengers?flightId={}", created.id()),
        "/api/manifests?limit=1".to_owned(),
        format!("/api/flights/{}", unknown_id()),
        format!("/api/auditlog/passengers?passengerId={passenger}&limit=1"),
        "/problems".to_owned(),
        "/health/live".to_owned(),
    ] {
        let get = api.get(&path).position(&shown).send().await;
        let head = api.call(Method::HEAD, &path).position(&shown).send().await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for header in ["Content-Type", "ETag", "Content-Length"] {
            assert_eq!(head.header(header), get.header(header), "{header} of {path}");
        }
    }
}

#[tokio::test]
async fn answers_are_json_that_nobody_sniffs_or_keeps() {
    let api = System::shared().await.api();
    let created = api.create_flight().send().await.expect(StatusCode::CREATED);
    let flight = format!("/api/flights/{}", created.id());
    let found = api.get(&flight).position(&created.position()).send().await.expect(StatusCode::OK);
    let refused = api.land(&created.id()).send().await.expect_problem(409, "flight-not-departed");
    let known = api.get(&flight).position(&created.position()).header("If-None-Match", "*").send().await;
    for (answer, caching) in
        [(&created, "no-store"), (&found, "private, no-cache"), (&known, "private, no-cache"), (&refused, "no-store")]
    {
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"), "{answer:?}");
        assert_eq!(answer.header("Cross-Origin-Resource-Policy"), Some("same-origin"), "{answer:?}");
        assert_eq!(answer.header("Cache-Control"), Some(caching), "{answer:?}");
        assert_eq!(answer.header("Vary"), Some("accept-encoding"), "{answer:?}");
    }
    for answer in [&created, &found] {
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
    }
}

#[tokio::test]
async fn problems_are_explained_to_people() {
    let api = System::shared().await.api();
    let index = api.get("/problems").send().await.expect(StatusCode::OK);
    for slug in ["not-all-boarded", "manifest-sealed", "precondition-failed", "outcome-unknown", "too-many-requests"] {
        assert!(index.text.contains(&format!("/problems/{slug}")), "{slug}");
        let page = api.get(&format!("/problems/{slug}")).send().await.expect(StatusCode::OK);
        assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
        assert!(page.text.contains(slug));
    }
    api.get("/").send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn it_says_how_it_is() {
    let api = System::shared().await.api();
    for path in ["/health/live", "/health/ready", "/api/health"] {
        let health = api.get(path).send().await.expect(StatusCode::OK);
        assert_eq!(health.body["status"], "up", "{health:?}");
    }
}

/// A client without connections of its own to keep: one request, one connection.
#[tokio::test]
async fn a_connection_that_the_client_closes_is_closed() {
    let system = System::shared().await;
    let response = http().get(system.at("/api/flights?limit=1")).header("Connection", "close").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.text().await.unwrap().is_empty());
}

#[tokio::test]
async fn events_are_sent_as_they_happen_and_resumed_where_they_broke_off() {
    let api = System::shared().await.api();
    let mut feed = Feed::open(&api, None).await;
    let flight = api.new_flight().await;
    let passenger = api.new_passenger(&flight).await;
    let of_flight = |entry: &crate::history::Entry| entry.flight() == flight;
    let (created_id, created) = feed.next(of_flight).await;
    assert_eq!(created.event_type, "FlightCreated");
    let (_, added) = feed.next(of_flight).await;
    assert_eq!((added.event_type.as_str(), added.passenger()), ("PassengerCheckedIn", Some(passenger.as_str())));
    drop(feed);

    // What came after the event that was seen last, also what happened meanwhile.
    api.board(&passenger).send().await.expect(StatusCode::OK);
    let mut feed = Feed::open(&api, Some(&created_id)).await;
    let mut types = Vec::new();
    for _ in 0..4 {
        types.push(feed.next(of_flight).await.1.event_type);
    }
    assert_eq!(types, ["PassengerCheckedIn", "PassengerBoarded", "ManifestCompleted", "FlightAllBoarded"]);
    assert_eq!(feed.is_cursor_of_the_list(&api).await, StatusCode::OK);
    for id in ["x", "MQ"] {
        let refused = api.get("/api/auditlog/events").header("Last-Event-ID", id).send().await.expect(StatusCode::OK);
        assert!(refused.text.starts_with("event: problem\nretry: 30000\ndata: {"), "{}", refused.text);
    }
}
