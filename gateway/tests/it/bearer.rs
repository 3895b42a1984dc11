//! Access tokens of an identity provider.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Client;
use serde_json::{Value, json};

use crate::identity_provider::{IdentityProvider, SigningKey, now};
use crate::site::Site;
use crate::support::expect_problem;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

struct Known {
    provider: IdentityProvider,
    gateway: Site,
    key: SigningKey,
}

impl Known {
    async fn start() -> Self {
        let key = SigningKey::new("one", Algorithm::ES256);
        let provider = IdentityProvider::start(vec![key.clone()]).await;
        let gateway = Site::start(&provider, |_| {}).await;
        Self { provider, gateway, key }
    }

    /// A token of the provider's that is fine but for this.
    fn token(&self, other: Value) -> String {
        self.key.sign(&self.provider.claims(other))
    }

    fn ask(&self, token: &str) -> reqwest::RequestBuilder {
        Client::new().get(self.gateway.url("/api/flights")).bearer_auth(token)
    }

    async fn is_let_in(&self, token: &str) -> bool {
        let answer = self.ask(token).send().await.unwrap();
        if answer.status() == 200 {
            return true;
        }
        assert_eq!(answer.status(), 401);
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        assert_eq!(answer.json::<Value>().await.unwrap()["type"], "/problems/authentication-required");
        false
    }
}

#[tokio::test]
async fn a_token_says_who_asks_and_what_they_may_do() {
    let keys: Vec<_> = ALGORITHMS.into_iter().zip(["one", "two", "three"]).collect();
    let keys: Vec<_> = keys.into_iter().map(|(algorithm, id)| SigningKey::new(id, algorithm)).collect();
    let provider = IdentityProvider::start(keys.clone()).await;
    let gateway = Site::start(&provider, |_| {}).await;
    for key in keys {
        let token = key.sign(&provider.claims(json!({})));
        let answer = Client::new().get(gateway.url("/api/me")).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", key.algorithm);
        let me: Value = answer.json().await.unwrap();
        assert_eq!((&me["subject"], &me["name"]), (&json!("oidc:ada"), &json!("Ada")));
        assert_eq!(me["roles"], json!(["dispatcher"]), "what is no role here is none");
    }
    assert_eq!(provider.asked_for_keys(), 1);
}

#[tokio::test]
async fn a_token_that_is_not_as_it_has_to_be_is_refused() {
    let known = Known::start().await;
    assert!(known.is_let_in(&known.token(json!({}))).await);
    let other_issuer = "https://other.example";
    let refused = [
        ("expired", json!({"exp": now() - 70})),
        ("without an end", json!({"exp": null})),
        ("not yet valid", json!({"nbf": now() + 70})),
        ("for another audience", json!({"aud": "baggage"})),
        ("for no audience", json!({"aud": null})),
        ("of another issuer", json!({"iss": other_issuer})),
        ("of several issuers", json!({"iss": [known.provider.issuer(), other_issuer]})),
        ("of no issuer", json!({"iss": null})),
        ("of nobody", json!({"sub": null})),
    ];
    for (what, other) in refused {
        assert!(!known.is_let_in(&known.token(other)).await, "{what}");
    }
    for (what, other) in [
        ("within what clocks may be apart", json!({"exp": now() - 50})),
        ("within what clocks may be apart", json!({"nbf": now() + 50})),
        ("for several audiences", json!({"aud": ["baggage", "flights"]})),
    ] {
        assert!(known.is_let_in(&known.token(other)).await, "{what}");
    }
}

#[tokio::test]
async fn a_token_that_somebody_else_has_made_is_refused() {
    let known = Known::start().await;
    let claims = known.provider.claims(json!({"roles": ["admin"]}));
    let forged = SigningKey::new("one", Algorithm::ES256).sign(&claims);
    let unsigned = |header: Value| {
        let [header, claims] = [&header, &claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        format!("{header}.{claims}.")
    };
    let with_public_key = |secret: &[u8]| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("one".to_owned());
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let x = known.key.public["x"].as_str().unwrap();
    let point = [&[4][..], &decoded(x), &decoded(known.key.public["y"].as_str().unwrap())].concat();
    let as_kind = |typ: &str| {
        let header = Header { typ: Some(typ.to_owned()), ..known.key.header() };
        jsonwebtoken::encode(&header, &claims, &known.key.private).unwrap()
    };
    let own = known.token(json!({}));
    let (signed, signature) = own.rsplit_once('.').unwrap();
    let for_other = URL_SAFE_NO_PAD.encode(claims.to_string());
    let other_claims = format!("{}.{for_other}.{signature}", signed.split_once('.').unwrap().0);
    let tokens = [
        ("by another key of this name", forged),
        ("by none", unsigned(json!({"alg": "none"}))),
        ("by none, of this name", unsigned(json!({"alg": "none", "kid": "one", "typ": "JWT"}))),
        ("by the public key as a password", with_public_key(&point)),
        ("by the public document as a password", with_public_key(known.key.public.to_string().as_bytes())),
        ("by an unknown key", SigningKey::new("two", Algorithm::ES256).sign(&claims)),
        ("with other claims", other_claims),
        ("for signing out", as_kind("logout+jwt")),
        ("nothing", "a.b.c".to_owned()),
    ];
    for (how, token) in tokens {
        assert!(!known.is_let_in(&token).await, "signed {how}");
    }
    assert!(known.is_let_in(&as_kind("at+JWT")).await);
}

fn decoded(base64: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(base64).unwrap()
}

#[tokio::test]
async fn a_new_key_counts_at_once_and_one_that_was_withdrawn_does_not() {
    let known = Known::start().await;
    let old = known.token(json!({}));
    assert!(known.is_let_in(&old).await);
    let next = SigningKey::new("two", Algorithm::EdDSA);
    known.provider.rotate(vec![next.clone()]);
    assert!(known.is_let_in(&next.sign(&known.provider.claims(json!({})))).await);
    assert!(!known.is_let_in(&old).await);
}

/// Without a token of another key, nothing has the provider asked again before.
#[tokio::test]
async fn a_key_that_was_withdrawn_counts_for_minutes_at_most() {
    let known = Known::start().await;
    let old = known.token(json!({}));
    assert!(known.is_let_in(&old).await);
    known.provider.rotate(vec![SigningKey::new("two", Algorithm::EdDSA)]);
    assert!(known.is_let_in(&old).await);
    // Nothing is under way meanwhile that could take too long.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5 * 60)).await;
    tokio::time::resume();
    assert!(!known.is_let_in(&old).await);
}

#[tokio::test]
async fn tokens_with_unknown_keys_do_not_have_the_provider_flooded() {
    let known = Known::start().await;
    assert!(known.is_let_in(&known.token(json!({}))).await);
    for id in ["two", "three", "four", "five"] {
        let stranger = SigningKey::new(id, Algorithm::EdDSA);
        assert!(!known.is_let_in(&stranger.sign(&known.provider.claims(json!({})))).await);
    }
    assert_eq!(known.provider.asked_for_keys(), 2);
}

#[tokio::test]
async fn a_provider_that_is_away_stops_only_those_whom_it_has_to_be_asked_about() {
    let known = Known::start().await;
    known.provider.be_away(true);
    let token = known.token(json!({}));
    let headers = expect_problem(known.ask(&token), 503, "unavailable").await;
    assert!(headers.contains_key("retry-after"));
    let answer = known.ask(&known.gateway.folder.gate_12).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn what_is_known_of_a_provider_outlasts_it() {
    let known = Known::start().await;
    assert!(known.is_let_in(&known.token(json!({}))).await);
    known.provider.be_away(true);
    assert!(known.is_let_in(&known.token(json!({"sub": "grace"}))).await);
}
