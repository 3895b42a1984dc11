use jetbridge_testing::TestService;
use reqwest::Client;
use serde_json::{Value, json};
use shared_access::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::forwarding::echo;
use crate::keys::Keys;
use crate::support::{LIMIT, all_at, config, serve, start};

/// What a client could say about itself, which somebody might believe.
const CLAIMS: [&str; 32] = [
    "Jetbridge-Subject",
    "Jetbridge-Roles",
    "Jetbridge-Actor",
    "Jetbridge-Anything",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-User",
    "X-Forwarded-Prefix",
    "Forwarded",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Remote-User",
    "Remote-Groups",
    "X-Remote-User",
    "X-User",
    "X-User-Id",
    "X-Auth-Request-User",
    "X-Auth-Token",
    "X-WebAuth-User",
    "X-SSL-Client-Cert",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "Proxy-Authorization",
    "Proxy-User",
    "Cookie",
    "X-MS-Client-Principal",
];
/// Not a role, not an address, not a name that anybody has.
const EVIL: &str = "evil";

struct Gateways {
    with_keys: TestService,
    for_all: TestService,
    key: String,
    _service: TestService,
    _keys: Keys,
}

async fn gateways() -> Gateways {
    let (keys, service) = (Keys::new(), serve(echo("flight")).await);
    let key = keys.create("Gate 12", Role::Viewer);
    let with_keys = keys.gateway(service.address()).await;
    let for_all = start(config(all_at(service.address()))).await;
    Gateways { with_keys, for_all, key, _service: service, _keys: keys }
}

impl Gateways {
    /// What the service gets to see of a request with these headers, from somebody with a key, and from anybody.
    async fn seen(&self, headers: &[(&str, &str)]) -> [Value; 2] {
        let ask = async |gateway: &TestService, key: Option<&str>| {
            let mut request = Client::new().post(gateway.url("/api/flights"));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if let Some(key) = key {
                request = request.bearer_auth(key);
            }
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            answer["headers"].clone()
        };
        [ask(&self.with_keys, Some(&self.key)).await, ask(&self.for_all, None).await]
    }
}

#[track_caller]
fn assert_known(seen: &Value, said: &str) {
    let found = [&seen["jetbridge-subject"], &seen["jetbridge-actor"], &seen["jetbridge-roles"]];
    assert_eq!(found, [&json!("key:Gate 12"), &json!("Gate 12"), &json!("viewer")], "{said}");
}

#[track_caller]
fn assert_free_of_evil(seen: &Value, said: &str) {
    let evil: Vec<_> = seen.as_object().unwrap().iter().filter(|(_, value)| value.as_str() == Some(EVIL)).collect();
    assert!(evil.is_empty(), "{said}: {evil:?}");
}

#[tokio::test]
async fn nothing_that_a_client_says_about_itself_gets_to_a_service() {
    let gateways = gateways().await;
    for name in CLAIMS {
        let forms = [name.to_owned(), name.to_uppercase(), name.replace('-', "_"), name.replacen('-', "_", 1)];
        for form in forms {
            let [known, anybody] = gateways.seen(&[(&form, EVIL), (&form, EVIL)]).await;
            assert_known(&known, &form);
            assert_free_of_evil(&known, &form);
            // Where everybody is believed, two actors are one too many.
            if !form.eq_ignore_ascii_case("jetbridge-actor") {
                assert_free_of_evil(&anybody, &form);
                assert_eq!(
                    (&anybody["jetbridge-roles"], &anybody["jetbridge-subject"]),
                    (&json!("admin"), &Value::Null)
                );
            }
        }
    }
}

#[tokio::test]
async fn no_header_of_the_connection_takes_away_who_asks() {
    let gateways = gateways().await;
    let names = "jetbridge-subject, jetbridge-roles, jetbridge-actor, x-forwarded-for, authorization";
    let [known, anybody] = gateways.seen(&[("connection", names), ("jetbridge-subject", EVIL)]).await;
    assert_known(&known, "named by Connection");
    assert_free_of_evil(&known, "named by Connection");
    assert_eq!((&known["x-forwarded-for"], &anybody["x-forwarded-for"]), (&json!("127.0.0.1"), &json!("127.0.0.1")));
    assert_eq!(anybody["jetbridge-roles"], "admin");
}

#[tokio::test]
async fn what_comes_after_a_body_is_left_out() {
    let gateways = gateways().await;
    let mut stream = TcpStream::connect(gateways.with_keys.address()).await.unwrap();
    let request = format!(
        "POST /api/flights HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         transfer-encoding: chunked\r\ntrailer: Jetbridge-Subject, Jetbridge-Roles\r\n\r\n\
         2\r\n{{}}\r\n0\r\nJetbridge-Subject: {EVIL}\r\nJetbridge-Roles: {EVIL}\r\nX-Other: {EVIL}\r\n\r\n",
        gateways.key
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let seen: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    assert_known(&seen["headers"], "trailers");
    assert!(!body.contains(EVIL) && seen["headers"]["trailer"].is_null(), "{body}");
}

#[tokio::test]
async fn on_one_machine_the_actor_is_what_a_client_says() {
    let gateways = gateways().await;
    let [known, anybody] = gateways.seen(&[("jetbridge-actor", "Ada")]).await;
    assert_eq!((&known["jetbridge-actor"], &anybody["jetbridge-actor"]), (&json!("Gate 12"), &json!("Ada")));
}
