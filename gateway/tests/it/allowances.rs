//! What those who are known, and those who are not, may ask for.

use gateway::{Config, Limits, TrustedProxies};
use http::HeaderValue;
use jetbridge_testing::TestService;
use reqwest::{Client, RequestBuilder};
use shared_access::Role;
use shared_access::keys::AccessKey;

use crate::forwarding::echo;
use crate::keys::{Keys, get};
use crate::support::{all_at, config, expect_problem, serve, start};

async fn gateway_with(keys: &Keys, limits: Limits) -> (TestService, TestService) {
    let service = serve(echo("flight")).await;
    let trusted_proxies = TrustedProxies(vec!["127.0.0.1".parse().unwrap()]);
    let (services, authentication) = (all_at(service.address()), keys.authentication());
    (start(Config { limits, trusted_proxies, authentication, ..config(services) }).await, service)
}

/// One that comes from another machine.
fn from(address: &str, request: RequestBuilder) -> RequestBuilder {
    request.header("x-forwarded-for", address)
}

#[tokio::test]
async fn everybody_who_is_known_has_an_allowance_of_their_own() {
    let keys = Keys::new();
    let [one, other] = ["one", "other"].map(|name| keys.create(name, Role::Viewer));
    let (gateway, _service) = gateway_with(&keys, Limits { requests_per_second: Some(1), ..Limits::default() }).await;
    let first = get(&gateway, "/api/flights", &one).send().await.unwrap();
    assert_eq!((first.status().as_u16(), &first.headers()["ratelimit-policy"]), (202, &value("\"client\";q=1;w=1")));
    // Sooner or later two come within a second. It is no use to come from somewhere else.
    let mut refused = None;
    for host in 1..=20 {
        let answer = from(&format!("192.0.2.{host}"), get(&gateway, "/api/flights", &one)).send().await.unwrap();
        refused = refused.or((answer.status() == 429).then_some(answer));
    }
    let refused = refused.expect("one is refused");
    let none_left = value("\"client\";r=0;t=1");
    assert_eq!((&refused.headers()["retry-after"], &refused.headers()["ratelimit"]), (&value("1"), &none_left));
    assert_eq!(get(&gateway, "/api/flights", &other).send().await.unwrap().status(), 202);
    let page = from("192.0.2.99", Client::new().get(gateway.url("/"))).send().await.unwrap();
    assert_eq!((page.status().as_u16(), &page.headers()["ratelimit"]), (200, &none_left), "it counts for the address");
}

fn value(text: &str) -> HeaderValue {
    text.parse().unwrap()
}

#[tokio::test]
async fn there_is_a_limit_for_others_than_this_machine_unless_it_is_taken_away() {
    let keys = Keys::new();
    let key = keys.create("one", Role::Viewer);
    let policy = async |limits: Limits, request: &dyn Fn(&TestService) -> RequestBuilder| {
        let (gateway, _service) = gateway_with(&keys, limits).await;
        let answer = request(&gateway).send().await.unwrap();
        answer.headers().get("ratelimit-policy").map(|policy| policy.to_str().unwrap().to_owned())
    };
    let known = |gateway: &TestService| get(gateway, "/api/flights", &key);
    let elsewhere = |gateway: &TestService| from("192.0.2.1", Client::new().get(gateway.url("/")));
    let here = |gateway: &TestService| Client::new().get(gateway.url("/"));
    assert_eq!(policy(Limits::default(), &known).await.as_deref(), Some("\"client\";q=100;w=1"));
    assert_eq!(policy(Limits::default(), &elsewhere).await.as_deref(), Some("\"client\";q=300;w=1"));
    assert_eq!(policy(Limits::default(), &here).await, None);
    let none = Limits { requests_per_second: Some(0), ..Limits::default() };
    assert_eq!(policy(none, &known).await, None);
}

#[tokio::test]
async fn guesses_are_bounded_and_lock_out_nobody_who_has_a_key() {
    let keys = Keys::new();
    let key = keys.create("one", Role::Viewer);
    let (gateway, _service) = gateway_with(&keys, Limits::default()).await;
    let guess = |address: &str| {
        let guessed = AccessKey::random();
        from(address, get(&gateway, "/api/flights", guessed.expose()))
    };
    let mut refused = 0;
    for _ in 0..60 {
        refused += u32::from(guess("192.0.2.1").send().await.unwrap().status() == 429);
    }
    assert!(refused > 0, "at most thirty at once, and one a second");
    expect_problem(guess("192.0.2.2"), 401, "authentication-required").await;
    assert_eq!(from("192.0.2.1", get(&gateway, "/api/flights", &key)).send().await.unwrap().status(), 202);
}
