//! The service credential: who is let in, and for whom.

use std::fs;
use std::time::Duration;

use axum::body::Body;
use axum::{Extension, Json, Router};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shared_access::{Access, Role};
use shared_service::{Caller, ErrorChain, Routes, ServiceTokens};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const OLD: &str = "old-token-0123456789abcdef0123456789abcdef";
const NEW: &str = "new+token/0123456789abcdef0123456789abcdef==";

fn tokens(text: &str) -> ServiceTokens {
    text.parse().unwrap()
}

fn shown(token: &str) -> String {
    format!("Bearer {token}")
}

/// Routes that say who has called them.
fn guarded(tokens: &ServiceTokens) -> Router {
    let who = async |caller: Option<Extension<Caller>>| {
        Json(caller.map(|Extension(caller)| match caller {
            Caller::Service => json!("service"),
            Caller::Somebody { subject, roles } => json!([subject, roles.to_string()]),
        }))
    };
    let read = async |body: Bytes| format!("{} bytes", body.len());
    let routes = Routes::new()
        .get("/public", Access::Public, who)
        .get("/known", Access::Known, who)
        .get("/gates", Access::Role(Role::Viewer), who)
        .post("/gates", Access::Role(Role::Dispatcher), read)
        .post("/rpc", Access::Service, read);
    tokens.guard(routes.finish(Duration::from_secs(1)))
}

async fn send(app: Router, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
    let (parts, body) = app.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, serde_json::from_slice(&body).unwrap_or_default())
}

async fn get(path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    let (status, _, body) = send(guarded(&tokens(OLD)), request.body(Body::empty()).unwrap()).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn whoever_shows_a_token_says_for_whom_they_ask() {
    let token = shown(OLD);
    let lower = format!("bearer {OLD}");
    for authorization in [&token, &lower] {
        let with = |more: &[(&'static str, &'static str)]| {
            [
                &[("authorization", authorization.clone())][..],
                &more.iter().map(|(n, v)| (*n, (*v).to_owned())).collect::<Vec<_>>(),
            ]
            .concat()
        };
        for (headers, path, expected) in [
            (with(&[]), "/public", (200, json!("service"))),
            (with(&[("jetbridge-roles", "")]), "/known", (200, json!([null, ""]))),
            (with(&[("jetbridge-roles", "admin")]), "/gates", (200, json!([null, "admin"]))),
            (
                with(&[("jetbridge-roles", "viewer,auditor"), ("jetbridge-subject", "key:Gate 12")]),
                "/gates",
                (200, json!(["key:Gate 12", "viewer,auditor"])),
            ),
        ] {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(get(path, &headers).await, expected, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn what_is_said_of_whom_they_ask_for_has_to_be_said_properly_and_once() {
    let token = shown(OLD);
    let admin = ("jetbridge-roles", "admin");
    for headers in [
        &[admin, admin][..],
        &[("jetbridge-roles", "pilot")],
        &[("jetbridge-subject", "key:a")],
        &[admin, ("jetbridge-subject", "somebody")],
        &[admin, ("jetbridge-subject", "")],
        &[admin, ("jetbridge-subject", "key:a"), ("jetbridge-subject", "key:b")],
        &[admin, ("jetbridge-subject", "key:Zoë")],
    ] {
        let headers = [&[("authorization", token.as_str())], headers].concat();
        let (status, problem) = get("/gates", &headers).await;
        assert_eq!((status, &problem["type"]), (400, &json!("/problems/malformed-header")), "{headers:?}");
    }
}

#[tokio::test]
async fn nobody_else_gets_further_than_what_is_for_everybody() {
    let (longer, shorter, bare) = (shown(&format!("{OLD}0")), shown(&OLD[1..]), OLD.to_owned());
    let wrong =
        [longer, shorter, bare, shown(NEW), shown(""), "Bearer".to_owned(), "Basic eDp5".to_owned(), String::new()];
    let admin = ("jetbridge-roles", "admin");
    for path in ["/public", "/known", "/gates", "/rpc", "/nothing", "/gates/%2e%2e/public"] {
        for authorization in &wrong {
            let (status, problem) = get(path, &[("authorization", authorization), admin]).await;
            assert_eq!(
                (status, &problem["type"]),
                (401, &json!("/problems/authentication-required")),
                "{authorization}"
            );
        }
        let (right, other) = (shown(OLD), shown(NEW));
        for second in [&right, &other] {
            let twice = [("authorization", right.as_str()), ("authorization", second.as_str()), admin];
            assert_eq!(get(path, &twice).await.0, 401, "{path}: two of them");
        }
        let expected = if path == "/public" { (200, Value::Null) } else { (401, Value::Null) };
        let (status, body) = get(path, &[admin, ("jetbridge-subject", "key:a")]).await;
        assert_eq!((status, if status == 200 { body } else { Value::Null }), expected, "{path}: nothing is shown");
    }
}

#[tokio::test]
async fn who_may_not_is_told_what_would_do() {
    let headers = |roles| [("authorization", shown(OLD)), ("jetbridge-roles", String::from(roles))];
    let post = |path: &'static str, headers: [(&'static str, String); 2]| {
        let request =
            headers.into_iter().fold(Request::post(path), |request, (name, value)| request.header(name, value));
        send(guarded(&tokens(OLD)), request.body(Body::from("four")).unwrap())
    };
    assert_eq!(post("/gates", headers("dispatcher")).await.0, 200);
    let (status, _, problem) = post("/gates", headers("agent,auditor")).await;
    assert_eq!((status.as_u16(), &problem["requiredRole"]), (403, &json!("dispatcher")));
    assert_eq!(problem["detail"], "This takes the role dispatcher, or admin. Nothing was done.");
    assert_eq!(post("/rpc", headers("admin")).await.0, 403);
    let (_, answered, _) = post("/gates", [("authorization", shown(NEW)), ("x", String::new())]).await;
    assert_eq!(answered["www-authenticate"], "Bearer realm=\"jetbridge\"");
}

#[tokio::test]
async fn a_stranger_is_refused_before_anything_is_read() {
    let endless = futures::stream::pending::<Result<Bytes, std::io::Error>>();
    let request = Request::post("/gates").body(Body::from_stream(endless)).unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(5), send(guarded(&tokens(OLD)), request));
    assert_eq!(answer.await.unwrap().0, 401);
}

async fn accepts(app: &Router, token: &str) -> bool {
    let request = Request::get("/public").header("authorization", shown(token)).body(Body::empty()).unwrap();
    send(app.clone(), request).await.0 == 200
}

/// The clock is paused: waiting takes no time.
#[tokio::test(start_paused = true)]
async fn tokens_are_replaced_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{OLD}\n")).unwrap();
    let tokens = ServiceTokens::read(&file).unwrap();
    let (app, stop) = (guarded(&tokens), CancellationToken::new());
    let following = tokio::spawn(tokens.clone().follow(stop.clone()));
    let sends = async |token: &str| {
        for _ in 0..30 {
            if tokens.authorization() == shown(token) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("the file is not read again");
    };
    let accepted = async || [accepts(&app, OLD).await, accepts(&app, NEW).await];
    assert_eq!(accepted().await, [true, false]);
    // What cannot be used changes nothing.
    fs::write(&file, "short\n").unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(accepted().await, [true, false]);
    fs::write(&file, format!("{NEW}\n{OLD}\n")).unwrap();
    sends(NEW).await;
    assert_eq!(accepted().await, [true, true]);
    fs::write(&file, format!("{OLD}\n")).unwrap();
    sends(OLD).await;
    fs::write(&file, NEW).unwrap();
    sends(NEW).await;
    assert_eq!(accepted().await, [false, true]);
    stop.cancel();
    following.await.unwrap();
}

#[test]
fn what_is_no_token_is_refused_with_a_way_to_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for (text, expected) in [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("0123456789abcdef0123456789abcde", "fewer than 32 characters"),
        ("change-me-change-me-change-me-change-me", "holds an example"),
        ("0123456789abcdef 0123456789abcdef", "other characters"),
        (&[OLD, NEW, OLD].join("\n"), "one token, or two"),
    ] {
        fs::write(&file, text).unwrap();
        let error = ErrorChain(&ServiceTokens::read(&file).unwrap_err()).to_string();
        assert!(error.contains(expected) && error.contains("openssl rand -base64 33"), "{text}: {error}");
        assert!(text.trim().is_empty() || !error.contains(text), "{error}");
    }
    let error = ErrorChain(&ServiceTokens::read(&folder.path().join("none")).unwrap_err()).to_string();
    assert!(error.starts_with("cannot read the service token file "), "{error}");
    assert_ne!(ServiceTokens::random().authorization(), ServiceTokens::random().authorization());
}
