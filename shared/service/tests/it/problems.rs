use std::collections::HashSet;
use std::time::Duration;

use axum::response::IntoResponse;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shared_kernel::{ExecuteError, Interruption};
use shared_service::{ErrorChain, Problem, problem_type};

use crate::support::{BOX_TAKEN, get_path, post_json};

#[test]
fn the_catalogue_is_consistent() {
    let slugs: HashSet<_> = problem_type::ALL.iter().map(|kind| kind.slug).collect();
    assert_eq!(slugs.len(), problem_type::ALL.len());
    for kind in problem_type::ALL {
        assert_eq!(Problem::of(kind).status().as_u16(), kind.status);
        assert!(kind.slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        assert!(kind.meaning.ends_with('.') && kind.remedy.ends_with('.'), "{kind:?}");
    }
}

#[tokio::test]
async fn a_problem_is_a_json_document() {
    let problem = Problem::new(BOX_TAKEN, "2 boxes are missing.")
        .with("missing", 2)
        .with("boxes", json!([{ "id": "1", "name": "Ada" }]));
    let response = problem.into_response();
    assert_eq!(response.status(), 409);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert!(!response.headers().contains_key("retry-after"));
    let body: Value = serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(
        body,
        json!({
            "type": "/problems/box-taken",
            "title": "Box taken",
            "status": 409,
            "detail": "2 boxes are missing.",
            "missing": 2,
            "boxes": [{ "id": "1", "name": "Ada" }],
        })
    );
}

#[test]
fn waits_are_whole_seconds() {
    for (wait, seconds) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (60_000, "60")] {
        let problem = Problem::of(problem_type::TOO_MANY_REQUESTS).retry_after(Duration::from_millis(wait));
        assert_eq!(problem.into_response().headers()["retry-after"], seconds);
    }
    assert_eq!(Problem::not_yet().into_response().headers()["retry-after"], "1");
    assert_eq!(Problem::unavailable("No.").into_response().headers()["retry-after"], "1");
}

#[test]
fn what_operators_should_know_is_not_sent() {
    let problem = Problem::internal("password=secret");
    assert!(!problem.detail().contains("secret") && !problem.to_string().contains("secret"));
}

#[test]
fn a_command_that_was_not_executed_has_a_problem() {
    let kind = |error| Problem::of_execution(error, |()| Problem::of(BOX_TAKEN)).kind();
    assert_eq!(kind(ExecuteError::Rejected { rejection: (), revision: None }), BOX_TAKEN);
    assert_eq!(kind(ExecuteError::KeyReused), problem_type::IDEMPOTENCY_KEY_REUSED);
}

#[test]
fn every_interruption_has_a_problem() {
    for (interruption, kind, wait) in [
        (Interruption::Overloaded, problem_type::TOO_MANY_REQUESTS, Some("1")),
        (Interruption::Unavailable("secret".to_owned()), problem_type::UNAVAILABLE, Some("1")),
        (Interruption::Refused("secret".to_owned()), problem_type::EVENT_STORE_REFUSED, Some("10")),
        (Interruption::OutcomeUnknown("secret".to_owned()), problem_type::OUTCOME_UNKNOWN, None),
        (Interruption::Internal("secret".to_owned()), problem_type::INTERNAL_ERROR, None),
    ] {
        let problem = Problem::from(interruption);
        assert_eq!(problem.kind(), kind);
        assert!(!problem.detail().contains("secret"), "{}", problem.detail());
        let response = problem.into_response();
        assert_eq!(response.headers().get("retry-after").map(|wait| wait.to_str().unwrap()), wait, "{kind:?}");
    }
}

#[tokio::test]
async fn panics_and_slow_answers_are_problems() {
    get_path("/panic").await.assert_problem(500, "internal-error");
    get_path("/slow").await.assert_problem(503, "unavailable");
    post_json("/slow", "").await.assert_problem(504, "outcome-unknown");
}

#[derive(Debug, thiserror::Error)]
enum Layered {
    #[error("cannot start")]
    Outer(#[source] Box<Layered>),
    #[error("cannot listen: {0}")]
    Repeating(#[source] std::io::Error),
}

#[test]
fn error_chains_say_everything_once() {
    let error = Layered::Outer(Box::new(Layered::Repeating(std::io::Error::other("address in use"))));
    assert_eq!(ErrorChain(&error).to_string(), "cannot start: cannot listen: address in use");
}
