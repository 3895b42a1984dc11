//! The subcommand `healthcheck`: a program asks a running one for its health.

use std::process::{Output, Stdio};

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use tokio::process::Command;

use crate::support::{LIMIT, listener, nobody, serve};

async fn healthcheck(before: &[&str], variable: Option<&str>, after: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.env_clear().args(before).arg("healthcheck").args(after).stdin(Stdio::null()).kill_on_drop(true);
    if let Some(listen) = variable {
        command.env("JETBRIDGE_LISTEN", listen);
    }
    let Output { status, stderr, .. } = tokio::time::timeout(LIMIT, command.output()).await.unwrap().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn ready(status: StatusCode) -> Router {
    Router::new().route("/health/ready", get(move || async move { status }))
}

#[tokio::test]
async fn it_asks_where_the_service_listens_whatever_the_rest_of_its_settings() {
    let server = serve(ready(StatusCode::OK)).await;
    let address = server.address().to_string();
    let everywhere = format!("0.0.0.0:{}", server.address().port());
    let healthy = (Some(0), String::new());
    assert_eq!(healthcheck(&["--listen", &address], None, &[]).await, healthy);
    assert_eq!(healthcheck(&[], None, &["--listen", &address]).await, healthy);
    assert_eq!(healthcheck(&[], Some(&address), &[]).await, healthy);
    assert_eq!(healthcheck(&[], Some(&everywhere), &[]).await, healthy);
}

#[tokio::test]
async fn it_fails_in_one_line_if_the_service_is_not_ready() {
    let server = serve(ready(StatusCode::SERVICE_UNAVAILABLE)).await;
    let silent = listener().await;
    for (address, words) in [
        (server.address(), "answered 503 Service Unavailable"),
        (nobody().await, "Connection refused"),
        (silent.local_addr().unwrap(), "deadline has elapsed"),
        (([127, 0, 0, 1], 0).into(), "must name the port of the service"),
    ] {
        let (code, stderr) = healthcheck(&[], Some(&address.to_string()), &[]).await;
        assert_eq!((code, stderr.lines().count()), (Some(1), 1), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    }
}
