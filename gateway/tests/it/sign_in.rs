//! Signing in at an identity provider, with a browser that keeps cookies as a test wants.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use url::Url;

use crate::identity_provider::{IdentityProvider, SigningKey};
use crate::site::Site;
use crate::support::expect_problem;

struct Browser<'a> {
    site: &'a Site,
    client: Client,
}

/// What came of signing in.
struct Outcome {
    location: String,
    cookies: Vec<String>,
}

impl Outcome {
    fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.cookies.iter().map(|cookie| cookie.split(';').next().unwrap());
        cookies.filter(|cookie| !cookie.ends_with('=')).find(|cookie| cookie.starts_with(&format!("{name}=")))
    }

    #[track_caller]
    fn assert_failed(&self, why: &str) {
        assert!(self.location.starts_with(&format!("/sign-in?problem={why}&return=")), "{}", self.location);
        assert_eq!(self.cookie("jetbridge-session"), None);
    }
}

impl<'a> Browser<'a> {
    fn new(site: &'a Site) -> Self {
        Self { site, client: Client::builder().redirect(Policy::none()).build().unwrap() }
    }

    async fn get(&self, url: &str, cookie: Option<&str>) -> Response {
        let request = self.client.get(url);
        let request = cookie.into_iter().fold(request, |request, cookie| request.header(COOKIE, cookie));
        request.send().await.unwrap()
    }

    /// Begins to sign in: the address at the provider, and the cookie.
    async fn begin(&self, back: &str) -> (String, String) {
        let answer = self.get(&self.site.url(&format!("/auth/login?return={back}")), None).await;
        assert_eq!(answer.status(), 303);
        (text(&answer, LOCATION), text(&answer, SET_COOKIE).split(';').next().unwrap().to_owned())
    }

    /// Is at the provider, who leads back to this path.
    async fn at_provider(&self, address: &str) -> String {
        let answer = self.get(address, None).await;
        let back = Url::parse(&text(&answer, LOCATION)).unwrap();
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    async fn come_back(&self, path: &str, cookie: Option<&str>) -> Outcome {
        let answer = self.get(&self.site.url(path), cookie).await;
        assert_eq!(answer.status(), 303);
        let cookies = answer.headers().get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap().to_owned());
        Outcome { location: text(&answer, LOCATION), cookies: cookies.collect() }
    }

    async fn sign_in(&self) -> Outcome {
        let (address, cookie) = self.begin("/").await;
        let back = self.at_provider(&address).await;
        self.come_back(&back, Some(&cookie)).await
    }

    /// Signs out: where the provider is asked to do so, and the cookies.
    async fn sign_out(&self, cookies: &[&str]) -> (HashMap<String, String>, Vec<String>) {
        let request = self.client.post(self.site.url("/auth/sign-out")).header("sec-fetch-site", "same-origin");
        let answer = request.header(COOKIE, cookies.join("; ")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let set =
            answer.headers().get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
        let at = answer.json::<Value>().await.unwrap()["provider"].as_str().unwrap().to_owned();
        (Url::parse(&at).unwrap().query_pairs().into_owned().collect(), set)
    }

    async fn me(&self, session: &str) -> Value {
        self.get(&self.site.url("/api/me"), Some(session)).await.json().await.unwrap()
    }
}

fn text(answer: &Response, name: reqwest::header::HeaderName) -> String {
    answer.headers()[name].to_str().unwrap().to_owned()
}

async fn site() -> (IdentityProvider, Site) {
    let provider = IdentityProvider::start(vec![SigningKey::new("one", Algorithm::ES256)]).await;
    let site = Site::start(&provider, |_| {}).await;
    (provider, site)
}

#[tokio::test]
async fn the_ways_to_sign_in_are_those_that_are_set_up() {
    for (for_programs_alone, expected) in [(false, json!(["keys", "oidc"])), (true, json!(["keys"]))] {
        let provider = IdentityProvider::start(vec![SigningKey::new("one", Algorithm::ES256)]).await;
        let site = Site::start(&provider, |options| options.for_programs_alone = for_programs_alone).await;
        let me: Value = Browser::new(&site).get(&site.url("/api/me"), None).await.json().await.unwrap();
        assert_eq!((&me["authentication"], &me["signIn"]), (&json!(["keys", "oidc"]), &expected));
    }
}

#[tokio::test]
async fn somebody_signs_in_and_is_back_where_they_were() {
    let (_provider, site) = site().await;
    let browser = Browser::new(&site);
    let (address, cookie) = browser.begin("/flights/7?tab=all").await;
    let query: HashMap<_, _> = Url::parse(&address).unwrap().query_pairs().into_owned().collect();
    assert_eq!(query["redirect_uri"], "http://localhost:8080/auth/callback");
    assert_eq!((&*query["code_challenge_method"], query["state"].is_empty()), ("S256", false));
    let back = browser.at_provider(&address).await;
    let outcome = browser.come_back(&back, Some(&cookie)).await;
    assert_eq!(outcome.location, "/flights/7?tab=all");
    let kept = outcome.cookies.iter().find(|cookie| cookie.starts_with("jetbridge-session=")).unwrap();
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(kept.contains(attribute), "{kept}");
    }
    assert!(!kept.contains("Domain"));
    let me = browser.me(outcome.cookie("jetbridge-session").unwrap()).await;
    assert_eq!((&me["subject"], &me["name"]), (&json!("oidc:ada"), &json!("Ada Lovelace")));
    assert_eq!(me["roles"], json!(["agent"]));
}

#[tokio::test]
async fn with_tls_no_other_host_can_set_the_cookies() {
    let provider = IdentityProvider::start(vec![SigningKey::new("one", Algorithm::ES256)]).await;
    let site = Site::start(&provider, |site| site.public = "https://flights.example.com").await;
    let outcome = Browser::new(&site).sign_in().await;
    let session = outcome.cookies.iter().find(|cookie| cookie.starts_with("__Host-jetbridge-session=")).unwrap();
    assert!(session.contains("; Secure") && session.contains("; Path=/") && !session.contains("Domain"), "{session}");
    // It is for one path, so it cannot be called so. What another host has set in its place was not sealed here.
    let token = outcome.cookies.iter().find(|cookie| cookie.starts_with("__Secure-jetbridge-id-token=")).unwrap();
    assert!(token.contains("; Secure") && !token.contains("Domain"), "{token}");
}

#[tokio::test]
async fn roles_are_where_operators_say() {
    let provider = IdentityProvider::start(vec![SigningKey::new("one", Algorithm::ES256)]).await;
    provider.claim(json!({"realm": {"groups": ["gate staff", "admin"]}}));
    let site = Site::start(&provider, |site| {
        site.more = vec!["--oidc-roles-claim=realm.groups", "--oidc-role-map=gate staff=agent,boss=admin"];
    })
    .await;
    let browser = Browser::new(&site);
    let me = browser.me(browser.sign_in().await.cookie("jetbridge-session").unwrap()).await;
    assert_eq!(me["roles"], json!(["agent"]), "with a map nothing else counts");
    provider.claim(json!({}));
    provider.tell(json!({"sub": "ada", "realm": {"groups": ["boss"]}, "name": "Somebody"}));
    let me = browser.me(browser.sign_in().await.cookie("jetbridge-session").unwrap()).await;
    assert_eq!((&me["roles"], &me["name"]), (&json!(["admin"]), &json!("Ada Lovelace")));
    provider.tell(json!({"sub": "grace", "realm": {"groups": ["boss"]}}));
    browser.sign_in().await.assert_failed("invalid");
}

#[tokio::test]
async fn an_answer_that_belongs_to_no_attempt_of_this_browser_signs_nobody_in() {
    let (_provider, site) = site().await;
    let browser = Browser::new(&site);
    let (address, cookie) = browser.begin("/").await;
    let back = browser.at_provider(&address).await;
    let (_, cookie_of_other) = browser.begin("/").await;
    browser.come_back(&back, None).await.assert_failed("expired");
    browser.come_back(&back, Some(&cookie_of_other)).await.assert_failed("expired");
    browser.come_back("/auth/callback?code=code-0", Some(&cookie)).await.assert_failed("expired");
    let other_issuer = format!("{back}&iss=https://other.example");
    browser.come_back(&other_issuer, Some(&cookie)).await.assert_failed("expired");
}

#[tokio::test]
async fn an_answer_counts_once() {
    let (_provider, site) = site().await;
    let browser = Browser::new(&site);
    let (address, cookie) = browser.begin("/").await;
    let back = browser.at_provider(&address).await;
    assert_eq!(browser.come_back(&back, Some(&cookie)).await.location, "/");
    browser.come_back(&back, Some(&cookie)).await.assert_failed("expired");
}

#[tokio::test]
async fn an_id_token_has_to_be_of_this_attempt_and_for_this_client() {
    let (provider, site) = site().await;
    let browser = Browser::new(&site);
    for claims in [
        json!({"nonce": "of another attempt"}),
        json!({"nonce": null}),
        json!({"aud": "flights"}),
        json!({"aud": ["jetbridge", "other"], "azp": "other"}),
        json!({"iss": "https://other.example"}),
        json!({"exp": 1}),
    ] {
        provider.claim(claims.clone());
        let outcome = browser.sign_in().await;
        outcome.assert_failed("invalid");
    }
    let (address, cookie) = browser.begin("/").await;
    let back = browser.at_provider(&address).await.replace("code=", "code=x");
    browser.come_back(&back, Some(&cookie)).await.assert_failed("refused");
}

#[tokio::test]
async fn a_provider_that_is_away_is_named_and_nothing_else_suffers() {
    let (provider, site) = site().await;
    let browser = Browser::new(&site);
    provider.be_away(true);
    let answer = browser.get(&site.url("/auth/login?return=/wall"), None).await;
    assert_eq!(text(&answer, LOCATION), "/sign-in?problem=unavailable&return=%2Fwall");
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let (_provider, site) = site().await;
    for back in ["https://evil.example/", "//evil.example", "/\\evil.example", "%2F%2Fevil.example", "/auth/login", "x"]
    {
        let request = Client::new().get(site.url(&format!("/auth/login?return={back}")));
        expect_problem(request, 422, "invalid-request").await;
    }
}

/// The claims of a token.
fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_provider_is_told_whom_to_sign_out() {
    let (_provider, site) = site().await;
    let browser = Browser::new(&site);
    let one = browser.sign_in().await;
    let session = |outcome: &Outcome| outcome.cookie("jetbridge-session").unwrap().to_owned();
    let id_token = |outcome: &Outcome| outcome.cookie("jetbridge-id-token").unwrap().to_owned();
    let kept = one.cookies.iter().find(|cookie| cookie.starts_with("jetbridge-id-token=")).unwrap();
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/auth/sign-out"] {
        assert!(kept.contains(attribute), "{kept}");
    }
    // Another session's says nothing of this one, and neither does one that was not sealed here.
    for none in [&*id_token(&one), "jetbridge-id-token=eyJ"] {
        let (asked, _) = browser.sign_out(&[&session(&browser.sign_in().await), none]).await;
        assert_eq!(asked.get("id_token_hint"), None);
    }
    let (asked, set) = browser.sign_out(&[&session(&one), &id_token(&one)]).await;
    assert_eq!(
        (&*asked["client_id"], &*asked["post_logout_redirect_uri"]),
        ("jetbridge", "http://localhost:8080/sign-in")
    );
    let hint = &asked["id_token_hint"];
    assert_eq!((&claims(hint)["sub"], &claims(hint)["aud"]), (&json!("ada"), &json!("jetbridge")));
    assert!(!kept.contains(hint.as_str()), "what the browser keeps is sealed");
    let gone = set.iter().find(|cookie| cookie.starts_with("jetbridge-id-token=;")).unwrap();
    assert!(gone.contains("Max-Age=0") && gone.contains("; Path=/auth/sign-out"), "{gone}");
}

/// Browsers do not take a cookie of any length, nor proxies headers: nginx passes on 4 KiB of them, unless told otherwise.
#[tokio::test]
async fn a_token_that_is_too_long_to_keep_is_done_without() {
    let (provider, site) = site().await;
    provider.claim(json!({"roles": ["agent"], "groups": "g".repeat(3_000)}));
    let browser = Browser::new(&site);
    let outcome = browser.sign_in().await;
    assert_eq!(outcome.cookie("jetbridge-id-token"), None);
    let (asked, _) = browser.sign_out(&[outcome.cookie("jetbridge-session").unwrap()]).await;
    assert_eq!((asked.get("id_token_hint"), &*asked["client_id"]), (None, "jetbridge"));
    // The longest that is kept, with a long address to come back to, fits.
    let mut longest = 0;
    for length in (0..3_000).step_by(100) {
        provider.claim(json!({"roles": ["agent"], "groups": "g".repeat(length)}));
        let (address, cookie) = browser.begin(&format!("/{}", "p".repeat(900))).await;
        let back = browser.at_provider(&address).await;
        let answer = browser.get(&site.url(&back), Some(&cookie)).await;
        let headers = answer.headers();
        if headers.get_all(SET_COOKIE).iter().any(|cookie| cookie.as_bytes().starts_with(b"jetbridge-id-token=")) {
            let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
            longest = longest.max(size);
        }
    }
    assert!((3_000..4_096).contains(&longest), "{longest}");
}

#[tokio::test]
async fn an_id_token_of_a_key_that_was_withdrawn_signs_nobody_in() {
    let (provider, site) = site().await;
    let browser = Browser::new(&site);
    let [old, new] = ["old", "new"].map(|id| SigningKey::new(id, Algorithm::ES256));
    provider.rotate(vec![old.clone()]);
    assert!(browser.sign_in().await.cookie("jetbridge-session").is_some());
    provider.rotate(vec![new.clone()]);
    provider.sign_with(&new);
    assert!(browser.sign_in().await.cookie("jetbridge-session").is_some());
    provider.sign_with(&old);
    browser.sign_in().await.assert_failed("invalid");
}
