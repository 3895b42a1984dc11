use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use futures::StreamExt;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use jetbridge_testing::{SERVICE_TOKEN, TestService, eventually};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use shared_access::Role;
use shared_access::keys::AccessKey;

use crate::forwarding::{echo, raw};
use crate::keys::{Keys, get};
use crate::support::{LIMIT, expect_problem, nobody, serve};

const PLAIN: &str = "Bearer realm=\"jetbridge\"";
const INVALID_TOKEN: &str = "Bearer realm=\"jetbridge\", error=\"invalid_token\"";
const INVALID_REQUEST: &str = "Bearer realm=\"jetbridge\", error=\"invalid_request\"";

async fn json_of(request: RequestBuilder) -> Value {
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn services_get_to_know_who_has_a_key() {
    let (keys, service) = (Keys::new(), serve(echo("flight")).await);
    let key = keys.create("Gate 12", Role::Agent);
    let gateway = keys.gateway(service.address()).await;
    for request in [get(&gateway, "/api/flights", &key), get(&gateway, "/api/flights", &key).header("cookie", "a=b")] {
        let headers = &json_of(request).await["headers"];
        for (name, value) in [
            ("jetbridge-subject", json!("key:Gate 12")),
            ("jetbridge-actor", json!("Gate 12")),
            ("jetbridge-roles", json!("agent")),
            ("authorization", json!(format!("Bearer {SERVICE_TOKEN}"))),
            ("cookie", Value::Null),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
    }
    let me = json_of(get(&gateway, "/api/me", &key)).await;
    let expected = json!({
        "subject": "key:Gate 12", "name": "Gate 12", "roles": ["agent"], "until": null,
        "authentication": ["keys"], "signIn": ["keys"],
    });
    assert_eq!(me, expected);
}

#[tokio::test]
async fn what_is_not_exactly_a_key_identifies_nobody() {
    let (keys, service) = (Keys::new(), serve(echo("flight")).await);
    let key = keys.create("Gate 12", Role::Agent);
    let ended = keys.create_for("Gate 13", Role::Agent, Duration::from_millis(1));
    let gateway = keys.gateway(service.address()).await;
    let ask = |authorization: &str| Client::new().get(gateway.url("/api/flights")).header(AUTHORIZATION, authorization);
    let other = AccessKey::random();
    for (authorization, status, challenge) in [
        (String::new(), 401, PLAIN),
        (format!("Basic {key}"), 401, PLAIN),
        (key.clone(), 401, PLAIN),
        (format!("Bearer {}", other.expose()), 401, INVALID_TOKEN),
        (format!("Bearer {ended}"), 401, INVALID_TOKEN),
        (format!("Bearer {}", key.to_uppercase()), 401, INVALID_TOKEN),
        (format!("Bearer {}", &key[4..]), 401, INVALID_TOKEN),
        (format!("Bearer jbx{}", &key[3..]), 401, INVALID_TOKEN),
        ("Bearer".to_owned(), 400, INVALID_REQUEST),
        (format!("Bearer {key} {key}"), 400, INVALID_REQUEST),
        (format!("Bearer \"{key}\""), 400, INVALID_REQUEST),
        (format!("Bearer {key},Bearer {key}"), 400, INVALID_REQUEST),
    ] {
        let slug = if status == 401 { "authentication-required" } else { "malformed-header" };
        let headers = expect_problem(ask(&authorization), status, slug).await;
        assert_eq!(headers[WWW_AUTHENTICATE], challenge, "{authorization}");
    }
    let twice = ask(&format!("Bearer {key}")).header(AUTHORIZATION, format!("Bearer {key}"));
    expect_problem(twice, 400, "malformed-header").await;
    for path in ["/api/flights?access_token=", "/api/flights?key=", "/api/flights?authorization=Bearer%20"] {
        let asked = Client::new().get(gateway.url(&format!("{path}{key}"))).header("cookie", format!("key={key}"));
        expect_problem(asked, 401, "authentication-required").await;
    }
    for authorization in [format!("Bearer {key}"), format!("bEARER {key}"), format!("Bearer   {key}")] {
        assert_eq!(ask(&authorization).send().await.unwrap().status(), 202, "{authorization}");
    }
}

#[tokio::test]
async fn what_shows_nothing_of_anybody_is_for_everybody() {
    let keys = Keys::new();
    let admin = keys.create("Office", Role::Admin);
    let viewer = keys.create("Wall", Role::Viewer);
    let gateway = keys.gateway(nobody().await).await;
    for path in
        ["/", "/flights/7", "/system", "/assets/dev/main.js", "/problems", "/problems/not-allowed", "/health/live"]
    {
        for request in [Client::new().get(gateway.url(path)), get(&gateway, path, "jbk_wrong")] {
            assert_eq!(request.send().await.unwrap().status(), 200, "{path}");
        }
    }
    let me = json_of(Client::new().get(gateway.url("/api/me"))).await;
    assert_eq!((&me["subject"], &me["roles"], &me["authentication"]), (&Value::Null, &json!([]), &json!(["keys"])));
    let health = |request: RequestBuilder| async { json_of(request).await };
    let status_alone = json!({ "status": "down" });
    assert_eq!(health(Client::new().get(gateway.url("/api/health"))).await, status_alone);
    assert_eq!(health(get(&gateway, "/api/health", &viewer)).await, status_alone);
    assert!(health(get(&gateway, "/api/health", &admin)).await["services"].is_array());
}

#[tokio::test]
async fn operators_are_admins() {
    let (keys, service) = (Keys::new(), serve(echo("flight")).await);
    let roles = [Role::Viewer, Role::Agent, Role::Dispatcher, Role::Auditor, Role::Admin];
    let with_keys = roles.map(|role| (role, keys.create(role.as_str(), role)));
    let gateway = keys.gateway(service.address()).await;
    let parked = "/api/admin/parked";
    expect_problem(Client::new().get(gateway.url(parked)), 401, "authentication-required").await;
    for (role, key) in with_keys {
        let replay = Client::new().post(gateway.url("/api/admin/parked/replay")).bearer_auth(&key);
        for request in [get(&gateway, parked, &key), replay, get(&gateway, "/api/admin/unfinished", &key)] {
            // This gateway was not told where the processors are.
            let (status, slug) = if role == Role::Admin { (503, "unavailable") } else { (403, "not-allowed") };
            expect_problem(request, status, slug).await;
        }
        if role != Role::Admin {
            assert_eq!(json_of(get(&gateway, parked, &key)).await["requiredRole"], "admin");
        }
    }
}

/// Whoever writes an address otherwise comes to nothing, or to what decides on the address as it is.
#[tokio::test]
async fn no_way_of_writing_a_path_leads_past_the_role_it_takes() {
    let (keys, service) = (Keys::new(), serve(echo("flight")).await);
    let key = keys.create("Wall", Role::Viewer);
    let gateway = keys.gateway(service.address()).await;
    for target in [
        "/api/admin/parked",
        "/api/%61dmin/parked",
        "/api/admin%2Fparked",
        "/api/admin/parked/",
        "/api//admin/parked",
        "//api/admin/parked",
        "/API/admin/parked",
        "/api/Admin/Parked",
        "/api/./admin/parked",
        "/api/%2e/admin/parked",
        "/api/me/../admin/parked",
        "/assets/..%2F..%2Fapi/admin/parked",
        "/problems/../api/admin/parked",
        "/api/admin;x=1/parked",
        "/api/admin/parked%00",
        "/api\\admin\\parked",
        "http://localhost/api/admin/parked",
        "http://127.0.0.1/api//admin/parked",
    ] {
        for authorization in [String::new(), format!("\r\nauthorization: Bearer {key}")] {
            let answer = raw(&gateway, &format!("GET {target} HTTP/1.1{authorization}")).await;
            let status: u16 = answer[9..12].parse().unwrap();
            assert!([400, 401, 403, 404].contains(&status), "{target}: {answer}");
        }
    }
    for target in ["/api/flights/../../rpc", "/api/flights/%2e%2e/%2e%2e/rpc", "/api/flights/..%2f..%2frpc"] {
        let nobody = raw(&gateway, &format!("GET {target} HTTP/1.1")).await;
        assert!(nobody.starts_with("HTTP/1.1 401 "), "{target}: {nobody}");
        let known = raw(&gateway, &format!("GET {target} HTTP/1.1\r\nauthorization: Bearer {key}")).await;
        assert!(known.contains(&format!("\"uri\":\"{target}\"")), "{target} is what the service decides on: {known}");
    }
}

/// A service with an endless stream of server-sent events.
async fn feed() -> TestService {
    let events = || async {
        let never = futures::stream::pending::<Result<String, std::convert::Infallible>>();
        let first = futures::stream::once(async { Ok("data: 1\n\n".to_owned()) });
        ([("content-type", "text/event-stream")], Body::from_stream(first.chain(never)))
    };
    serve(Router::new().fallback(any(events))).await
}

#[tokio::test]
async fn a_feed_ends_with_the_key_it_was_opened_with() {
    let (keys, service) = (Keys::new(), feed().await);
    let revoked = keys.create("Gate 12", Role::Auditor);
    let ending = keys.create_for("Gate 13", Role::Auditor, Duration::from_secs(3));
    let staying = keys.create("Gate 14", Role::Auditor);
    let gateway = keys.gateway(service.address()).await;
    let open = async |key: &str| {
        let mut feed = get(&gateway, "/api/auditlog/events", key).send().await.unwrap().bytes_stream();
        feed.next().await.unwrap().unwrap();
        feed
    };
    let (mut revoked_feed, mut ending_feed) = (open(&revoked).await, open(&ending).await);
    let mut staying_feed = open(&staying).await;
    let begin = Instant::now();
    keys.revoke("Gate 12");
    for feed in [&mut revoked_feed, &mut ending_feed] {
        let end = tokio::time::timeout(LIMIT, feed.next()).await.expect("it is cut off within ten seconds");
        assert!(end.is_none(), "{end:?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(10));
    expect_problem(get(&gateway, "/api/flights", &revoked), 401, "authentication-required").await;
    let quiet = tokio::time::timeout(Duration::from_millis(100), staying_feed.next()).await;
    assert!(quiet.is_err(), "another one stays open");
}

#[tokio::test]
async fn somebody_has_only_so_many_feeds_wherever_they_are() {
    let (keys, service) = (Keys::new(), feed().await);
    let [one, other] = ["one", "other"].map(|name| keys.create(name, Role::Auditor));
    let gateway = keys.gateway(service.address()).await;
    let mut open = Vec::new();
    for last in 0..20 {
        let client = Client::builder().local_address(std::net::IpAddr::from([127, 0, 0, 2 + last])).build().unwrap();
        let feed = client.get(gateway.url("/api/auditlog/events")).bearer_auth(&one).send().await.unwrap();
        assert_eq!(feed.status(), 200);
        open.push(feed);
    }
    let one_more = get(&gateway, "/api/auditlog/events", &one).send().await.unwrap();
    assert_eq!(one_more.status(), 429);
    assert_eq!(get(&gateway, "/api/auditlog/events", &other).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn nobody_gets_in_while_the_keys_cannot_be_read() {
    let (keys, service) = (Keys::new(), serve(echo("flight")).await);
    let key = keys.create("Gate 12", Role::Agent);
    let gateway = keys.gateway(service.address()).await;
    assert_eq!(get(&gateway, "/api/flights", &key).send().await.unwrap().status(), 202);
    fs::set_permissions(keys.file(), Permissions::from_mode(0o640)).unwrap();
    eventually("it is refused", LIMIT, async || {
        (get(&gateway, "/api/flights", &key).send().await.unwrap().status() == 503).then_some(())
    })
    .await;
    assert_eq!(Client::new().get(gateway.url("/")).send().await.unwrap().status(), 200);
}
