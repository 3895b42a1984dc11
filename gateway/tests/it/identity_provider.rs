//! An identity provider that does what a test wants.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use axum::extract::{Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode, header};
use jetbridge_testing::TestService;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use crate::support::serve;

pub(crate) const CLIENT: &str = "jetbridge";
pub(crate) const CLIENT_SECRET: &str = "a long word that only these two know";
/// The part of an RSA key in PKCS #8 of 2048 bits that comes before what it is in PKCS #1.
const PKCS8_HEADER: usize = 26;

/// A key that tokens are signed with.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) id: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) private: EncodingKey,
    pub(crate) public: Value,
}

impl SigningKey {
    pub(crate) fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let private = match algorithm {
            Algorithm::ES256 => {
                let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
                EncodingKey::from_ec_der(key.as_ref())
            }
            Algorithm::EdDSA => EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref()),
            _ => {
                let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
                EncodingKey::from_rsa_der(&key.as_der().unwrap().as_ref()[PKCS8_HEADER..])
            }
        };
        let mut jwk = Jwk::from_encoding_key(&private, algorithm).unwrap();
        jwk.common.key_id = Some(id.to_owned());
        Self { id, algorithm, private, public: serde_json::to_value(jwk).unwrap() }
    }

    pub(crate) fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.id.to_owned());
        header
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header(), claims, &self.private).unwrap()
    }
}

/// What stands behind a code.
struct Grant {
    nonce: Value,
    challenge: String,
}

pub(crate) struct IdentityProvider {
    service: TestService,
    shared: Arc<Shared>,
}

struct Shared {
    issuer: OnceLock<String>,
    keys: Mutex<Vec<SigningKey>>,
    /// What ID tokens are signed with, if not with the first of these.
    signs_with: Mutex<Option<SigningKey>>,
    asked_for_keys: AtomicUsize,
    is_away: AtomicBool,
    grants: Mutex<HashMap<String, Grant>>,
    /// What the ID token says beside the usual.
    claims: Mutex<Value>,
    user_info: Mutex<Value>,
}

impl IdentityProvider {
    pub(crate) async fn start(keys: Vec<SigningKey>) -> Self {
        let shared = Arc::new(Shared {
            issuer: OnceLock::new(),
            keys: Mutex::new(keys),
            signs_with: Mutex::default(),
            asked_for_keys: AtomicUsize::new(0),
            is_away: AtomicBool::new(false),
            grants: Mutex::default(),
            claims: Mutex::new(json!({"roles": ["agent"]})),
            user_info: Mutex::new(json!({"sub": "ada"})),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys_document))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(user_info))
            .layer(middleware::from_fn_with_state(Arc::clone(&shared), away))
            .with_state(Arc::clone(&shared));
        let service = serve(router).await;
        shared.issuer.set(service.url("")).unwrap();
        Self { service, shared }
    }

    pub(crate) fn issuer(&self) -> String {
        self.service.url("")
    }

    /// Puts these keys in place of those that there are.
    pub(crate) fn rotate(&self, keys: Vec<SigningKey>) {
        *self.shared.keys.lock().unwrap() = keys;
    }

    /// Signs ID tokens with this key, published or not.
    pub(crate) fn sign_with(&self, key: &SigningKey) {
        *self.shared.signs_with.lock().unwrap() = Some(key.clone());
    }

    pub(crate) fn asked_for_keys(&self) -> usize {
        self.shared.asked_for_keys.load(Ordering::SeqCst)
    }

    pub(crate) fn be_away(&self, is_away: bool) {
        self.shared.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Has ID tokens say this as well, or something else than usual.
    pub(crate) fn claim(&self, claims: Value) {
        *self.shared.claims.lock().unwrap() = claims;
    }

    pub(crate) fn tell(&self, user_info: Value) {
        *self.shared.user_info.lock().unwrap() = user_info;
    }

    /// The claims of an access token that is fine, with these in place of its own.
    pub(crate) fn claims(&self, other: Value) -> Value {
        let now = now();
        let claims = json!({
            "iss": self.issuer(), "aud": "flights", "sub": "ada", "exp": now + 300, "nbf": now, "name": "Ada",
            "roles": ["dispatcher", "something else"],
        });
        with(claims, &other)
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// One object with what is in another; what is `null` there is left out.
pub(crate) fn with(mut object: Value, other: &Value) -> Value {
    let members = object.as_object_mut().unwrap();
    for (name, value) in other.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    object
}

async fn away(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if shared.is_away.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

async fn discovery(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let issuer = shared.issuer.get().unwrap();
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/keys"),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "end_session_endpoint": format!("{issuer}/end"),
    }))
}

async fn keys_document(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.asked_for_keys.fetch_add(1, Ordering::SeqCst);
    // Keys of kinds that nobody here knows do no harm.
    let mut keys = vec![json!({"kty": "new", "kid": "?"})];
    keys.extend(shared.keys.lock().unwrap().iter().map(|key| key.public.clone()));
    Json(json!({"keys": keys}))
}

/// Lets in whoever comes, and leads them back.
async fn authorize(State(shared): State<Arc<Shared>>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let is_right = asked["response_type"] == "code" && asked["client_id"] == CLIENT;
    if !is_right
        || asked["code_challenge_method"] != "S256"
        || !asked["scope"].split(' ').any(|scope| scope == "openid")
    {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut grants = shared.grants.lock().unwrap();
    let code = format!("code-{}", grants.len());
    let grant = Grant { nonce: json!(asked["nonce"]), challenge: asked["code_challenge"].clone() };
    grants.insert(code.clone(), grant);
    let mut back = Url::parse(&asked["redirect_uri"]).unwrap();
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked["state"]);
    Redirect::to(back.as_str()).into_response()
}

/// Gives tokens for a code, as often as it comes: whoever asks twice has to notice it.
async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, asked: String) -> Response {
    let asked: HashMap<_, _> = url::form_urlencoded::parse(asked.as_bytes()).into_owned().collect();
    let encoded: String = url::form_urlencoded::byte_serialize(CLIENT_SECRET.as_bytes()).collect();
    let password = base64::engine::general_purpose::STANDARD.encode(format!("{CLIENT}:{encoded}"));
    let grants = shared.grants.lock().unwrap();
    let grant = grants.get(&asked["code"]).filter(|grant| {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(asked["code_verifier"].as_bytes()));
        challenge == grant.challenge && headers[header::AUTHORIZATION] == format!("Basic {password}")
    });
    let Some(grant) = grant else {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    };
    let claims = json!({
        "iss": shared.issuer.get().unwrap(), "aud": CLIENT, "sub": "ada", "exp": now() + 60, "name": "Ada Lovelace",
        "nonce": grant.nonce,
    });
    let claims = with(claims, &shared.claims.lock().unwrap());
    let other_key = shared.signs_with.lock().unwrap().clone();
    let key = other_key.unwrap_or_else(|| shared.keys.lock().unwrap().first().unwrap().clone());
    let id_token = key.sign(&claims);
    Json(json!({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token})).into_response()
}

async fn user_info(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if headers[header::AUTHORIZATION] != "Bearer opaque" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(shared.user_info.lock().unwrap().clone()).into_response()
}
