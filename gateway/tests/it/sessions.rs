//! What a browser has of a session, and what others make of it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jetbridge_testing::eventually;
use jsonwebtoken::Algorithm;
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::identity_provider::{IdentityProvider, SigningKey};
use crate::site::{Site, SiteOptions};
use crate::support::{LIMIT, expect_problem};

const SEC_FETCH_SITE: &str = "sec-fetch-site";

async fn provider() -> IdentityProvider {
    IdentityProvider::start(vec![SigningKey::new("one", Algorithm::ES256)]).await
}

fn from_own_page(site: &Site, method: Method, path: &str) -> RequestBuilder {
    Client::new().request(method, site.url(path)).header(SEC_FETCH_SITE, "same-origin")
}

fn session_of(answer: &Response) -> String {
    let cookies = answer.headers().get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
    let cookie = cookies.into_iter().find(|cookie| cookie.starts_with("jetbridge-session=")).unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn sign_in(site: &Site, key: &str) -> Response {
    let request = from_own_page(site, Method::POST, "/auth/sign-in").json(&json!({"key": key}));
    request.send().await.unwrap()
}

async fn session(site: &Site) -> String {
    let answer = sign_in(site, &site.folder.gate_12).await;
    assert_eq!(answer.status(), 204);
    session_of(&answer)
}

async fn me(site: &Site, session: &str) -> Value {
    Client::new().get(site.url("/api/me")).header(COOKIE, session).send().await.unwrap().json().await.unwrap()
}

async fn is_somebody(site: &Site, session: &str) -> bool {
    me(site, session).await["subject"].is_string()
}

#[tokio::test]
async fn a_key_becomes_a_session_and_a_wrong_one_does_not() {
    let site = Site::start(&provider().await, |_| {}).await;
    let session = session(&site).await;
    let me = me(&site, &session).await;
    assert_eq!((&me["subject"], &me["roles"]), (&json!("key:Gate 12"), &json!(["agent"])));
    assert!(me["until"].is_string());
    let wrong = from_own_page(&site, Method::POST, "/auth/sign-in").json(&json!({"key": "jbk_wrong"}));
    expect_problem(wrong, 401, "authentication-required").await;
}

#[tokio::test]
async fn signing_in_gives_another_session_than_somebody_has_set() {
    let site = Site::start(&provider().await, |_| {}).await;
    let planted = session_of(&sign_in(&site, &site.folder.mallory).await);
    let request = from_own_page(&site, Method::POST, "/auth/sign-in").header(COOKIE, &planted);
    let answer = request.json(&json!({"key": site.folder.gate_12})).send().await.unwrap();
    let own = session_of(&answer);
    assert_ne!(own, planted);
    assert_eq!(me(&site, &planted).await["subject"], "key:Mallory", "whoever has planted it learns nothing");
    let both = format!("{planted}; {own}");
    assert!(!is_somebody(&site, &both).await, "of two that were set none counts");
}

#[tokio::test]
async fn a_cookie_that_was_not_sealed_here_is_none() {
    let provider = provider().await;
    let site = Site::start(&provider, |_| {}).await;
    let own = session(&site).await;
    assert!(is_somebody(&site, &own).await);
    for at in ["jetbridge-session=".len(), own.len() / 2, own.len() - 2] {
        let mut changed = own.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(!is_somebody(&site, &String::from_utf8(changed).unwrap()).await, "changed at {at}");
    }
    let login = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = login.get(site.url("/auth/login")).send().await.unwrap();
    let attempt = answer.headers()[SET_COOKIE].to_str().unwrap().replace("jetbridge-sign-in", "jetbridge-session");
    assert!(!is_somebody(&site, attempt.split(';').next().unwrap()).await, "sealed for something else");
    let stranger = Site::start(&provider, |_| {}).await;
    assert!(!is_somebody(&site, &session(&stranger).await).await, "sealed with another key");
}

#[tokio::test]
async fn a_session_is_good_at_every_gateway_with_the_key_that_seals_it() {
    let provider = provider().await;
    let [old, new] = ["o".repeat(40), "n".repeat(40)];
    let first = Site::start(&provider, |site| site.session_keys = vec![old.clone()]).await;
    let own = session(&first).await;
    let folder = Arc::clone(&first.folder);
    let other = Site::start(&provider, |site| {
        (site.session_keys, site.folder) = (vec![new.clone(), old.clone()], folder.clone());
    })
    .await;
    assert!(is_somebody(&other, &own).await, "a key that seals no more still opens");
    let renewed = from_own_page(&other, Method::POST, "/auth/renew").header(COOKIE, &own).send().await.unwrap();
    assert_eq!(renewed.status(), 200);
    let sealed_anew = session_of(&renewed);
    let last = Site::start(&provider, |site| (site.session_keys, site.folder) = (vec![new], folder.clone())).await;
    assert!(is_somebody(&last, &sealed_anew).await);
    assert!(!is_somebody(&last, &own).await, "a key that is gone opens nothing");
}

#[tokio::test]
async fn a_session_ends_when_nobody_is_at_work() {
    let limits = |site: &mut SiteOptions| site.idle = Duration::from_secs(2);
    let site = Site::start(&provider().await, limits).await;
    let own = session(&site).await;
    assert!(is_somebody(&site, &own).await);
    eventually("the session ends", LIMIT, async || !is_somebody(&site, &own).await).await;
    let renew = from_own_page(&site, Method::POST, "/auth/renew").header(COOKIE, &own);
    expect_problem(renew, 401, "authentication-required").await;
}

#[tokio::test]
async fn a_session_cannot_be_renewed_for_ever() {
    let limits = |site: &mut SiteOptions| site.in_all = Duration::from_secs(2);
    let site = Site::start(&provider().await, limits).await;
    let mut own = session(&site).await;
    eventually("the session ends", LIMIT, async || {
        let renew = from_own_page(&site, Method::POST, "/auth/renew").header(COOKIE, &own).send().await.unwrap();
        let is_over = renew.status() == 401;
        if !is_over {
            own = session_of(&renew);
        }
        is_over
    })
    .await;
    assert!(!is_somebody(&site, &own).await);
}

#[tokio::test]
async fn a_session_ends_with_the_key_that_began_it() {
    let site = Site::start(&provider().await, |_| {}).await;
    let own = session(&site).await;
    assert!(is_somebody(&site, &own).await);
    site.revoke("Gate 12");
    eventually("the session ends", LIMIT, async || !is_somebody(&site, &own).await).await;
}

#[tokio::test]
async fn who_signs_out_is_out_with_every_copy_of_the_cookie() {
    let site = Site::start(&provider().await, |_| {}).await;
    let own = session(&site).await;
    let renewed = from_own_page(&site, Method::POST, "/auth/renew").header(COOKIE, &own).send().await.unwrap();
    let copy = session_of(&renewed);
    let out = from_own_page(&site, Method::POST, "/auth/sign-out").header(COOKIE, &own).send().await.unwrap();
    assert_eq!(out.status(), 200);
    let forgotten = out.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(forgotten.starts_with("jetbridge-session=;") && forgotten.contains("Max-Age=0"), "{forgotten}");
    assert_eq!(out.json::<Value>().await.unwrap()["provider"], Value::Null, "who has come with a key");
    for cookie in [own, copy] {
        assert!(!is_somebody(&site, &cookie).await);
    }
}

#[tokio::test]
async fn a_feed_ends_with_the_session_it_was_opened_with() {
    let provider = provider().await;
    let site = Site::start(&provider, |site| site.idle = Duration::from_secs(3)).await;
    let open = async |session: &str| {
        let feed = Client::new().get(site.url("/api/auditlog/events")).header(COOKIE, session);
        let mut feed = feed.send().await.unwrap().bytes_stream();
        feed.next().await.unwrap().unwrap();
        feed
    };
    let [signed_out, idle] = [session(&site).await, session(&site).await];
    let feeds = [open(&signed_out).await, open(&idle).await];
    let out = from_own_page(&site, Method::POST, "/auth/sign-out").header(COOKIE, &signed_out).send().await.unwrap();
    assert_eq!(out.status(), 200);
    for mut feed in feeds {
        assert!(tokio::time::timeout(LIMIT, feed.next()).await.expect("it is cut off in time").is_none());
    }
}

#[tokio::test]
async fn with_a_cookie_only_own_pages_change_anything() {
    const PARTNER: &str = "https://partner.example";
    let provider = provider().await;
    let site = Site::start(&provider, |site| site.allowed_origin = Some(PARTNER)).await;
    let own = session(&site).await;
    let post = |path: &str| Client::new().post(site.url(path)).header(COOKIE, &own);
    for path in ["/api/passengers", "/auth/renew", "/auth/sign-out", "/api/admin/parked/replay"] {
        for request in [post(path), post(path).json(&json!({"name": "Ada"}))] {
            let again = || request.try_clone().unwrap();
            expect_problem(again(), 403, "cross-site").await;
            expect_problem(again().header(SEC_FETCH_SITE, "same-site"), 403, "cross-site").await;
            expect_problem(again().header(SEC_FETCH_SITE, "cross-site"), 403, "cross-site").await;
            expect_problem(again().header(ORIGIN, PARTNER), 403, "cross-site").await;
        }
    }
    for (name, value) in [(SEC_FETCH_SITE, "same-origin".to_owned()), ("origin", site.url(""))] {
        let answer = post("/api/passengers").header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let read = Client::new().get(site.url("/api/flights")).header(COOKIE, &own).send().await.unwrap();
    assert_eq!(read.status(), 200);
}
