//! How people get a session, keep it, and leave it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::error::Unspecified;
use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use cookie::SameSite;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use shared_access::keys::{KeyRing, KeysUnusable};
use shared_access::{Access, Principal};
use shared_service::problem::Problem;
use shared_service::{CHALLENGE, Command, Fields, FromFields, FromQuery, Params, Query, Routes, problem_type};
use url::Url;

use super::cookies::{Named, New};
use super::id_token::{IdTokens, SIGN_OUT};
use super::oidc::{ATTEMPT_LIMIT, Answer, Attempt, Failure, Oidc, SignIn, SignedIn, TokenError};
use super::seal::{Seal, SessionKeys};
use super::session::{Session, Sessions};

/// The cookie of an attempt to sign in.
pub(super) const ATTEMPT_COOKIE: &str = "jetbridge-sign-in";
const ATTEMPT: Named = Named::everywhere(ATTEMPT_COOKIE);
/// The page of the web client where people sign in.
const PAGE: &str = "/sign-in";
/// The longest address to come back to, in bytes.
const MAX_BACK: usize = 1_000;

/// The ways in which people can sign in.
pub(crate) struct SignInWays {
    sessions: Arc<Sessions>,
    oidc: Option<Arc<Oidc>>,
    keys: Option<Arc<KeyRing>>,
    attempts: Seal,
    id_tokens: IdTokens,
}

impl SignInWays {
    pub(crate) fn new(
        sessions: Arc<Sessions>,
        sealed_with: &SessionKeys,
        oidc: Option<Arc<Oidc>>,
        keys: Option<Arc<KeyRing>>,
    ) -> Result<Self, Unspecified> {
        let attempts = Seal::new(sealed_with, ATTEMPT_COOKIE)?;
        let id_tokens = IdTokens::new(sealed_with)?;
        Ok(Self { sessions, oidc, keys, attempts, id_tokens })
    }

    fn provider(&self) -> Result<&SignIn, Problem> {
        self.oidc.as_deref().and_then(Oidc::sign_in).ok_or_else(|| not_set_up("an identity provider"))
    }
}

/// The routes, below `/auth`.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(ways: Arc<SignInWays>) -> Routes<S> {
    Routes::new()
        .get("/auth/login", Access::Public, login)
        .get("/auth/callback", Access::Public, callback)
        .post("/auth/sign-in", Access::Public, sign_in)
        .post("/auth/renew", Access::Public, renew)
        .post(SIGN_OUT, Access::Public, sign_out)
        .with_state(ways)
}

/// Where to go after signing in: a page of the web client.
struct Back(String);

/// A text is not an address to come back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InvalidBack;

impl fmt::Display for InvalidBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be a path of this site, such as /flights, in at most {MAX_BACK} bytes")
    }
}

impl Back {
    fn new(text: &str) -> Result<Self, InvalidBack> {
        // What browsers make of it counts: to them, `/\host` and `//host` are other sites.
        let here = Url::parse("http://here.invalid/").map_err(|_| InvalidBack)?;
        let url = here.join(text).map_err(|_| InvalidBack)?;
        let is_plain = text.starts_with('/') && text.len() <= MAX_BACK && !text.contains(|c: char| c.is_control());
        let is_page = !["/auth", "/api"].iter().any(|other| url.path().starts_with(other));
        if is_plain && is_page && url.origin() == here.origin() { Ok(Self(relative(&url))) } else { Err(InvalidBack) }
    }
}

/// An address without its host.
fn relative(url: &Url) -> String {
    url[url::Position::BeforePath..].to_owned()
}

impl FromQuery for Back {
    fn read(params: &mut Params) -> Option<Self> {
        params.or("return", Self("/".to_owned()), Self::new)
    }
}

/// Leads to the identity provider.
async fn login(
    State(ways): State<Arc<SignInWays>>,
    Query(Back(back)): Query<Back>,
    request: Request,
) -> Result<Response, Problem> {
    let (request, _) = request.into_parts();
    let provider = ways.provider()?;
    let (url, attempt) = match provider.begin(back.clone()).await {
        Ok(begun) => begun,
        Err(error) => return Ok(failed(&TokenError::from(error).into(), &back)),
    };
    let value = ways.attempts.seal(&attempt).ok_or_else(unsealed)?;
    // The provider's page leads back here, which is another site's.
    let kept_for = Some(ATTEMPT_LIMIT);
    let cookie = New { named: ATTEMPT, value, same_site: SameSite::Lax, kept_for };
    Ok(redirect(url.as_str(), ways.sessions.site().set(cookie, &request)))
}

/// Where the identity provider leads back to.
async fn callback(State(ways): State<Arc<SignInWays>>, request: Request) -> Result<Response, Problem> {
    let (mut request, _) = request.into_parts();
    let provider = ways.provider()?;
    let answer = axum::extract::Query::<Answer>::from_request_parts(&mut request, &()).await;
    let cookie = ways.sessions.site().read(ATTEMPT, &request);
    let attempt: Option<Attempt> = cookie.and_then(|cookie| ways.attempts.open(&cookie));
    let (Ok(axum::extract::Query(answer)), Some(attempt)) = (answer, attempt) else {
        return Ok(failed(&Failure::NotBegun, "/"));
    };
    let back = attempt.back.clone();
    let outcome = provider.finish(attempt, answer).await;
    let site = ways.sessions.site();
    // Whoever has a browser say something that belongs to no attempt does not end the one that is under way.
    let is_over = !matches!(outcome, Err(Failure::NotBegun));
    let (mut response, id_token) = match outcome {
        Ok(SignedIn { principal, id_token }) => {
            let session = ways.sessions.begin(principal, None).map_err(|_| unsealed())?;
            let cookie = ways.sessions.cookie(&session, &request).ok_or_else(unsealed)?;
            (redirect(&back, Some(cookie)), ways.id_tokens.cookie(&session, id_token, site, &request))
        }
        Err(failure) => (failed(&failure, &back), None),
    };
    let attempt = site.remove(ATTEMPT, SameSite::Lax, &request).filter(|_| is_over);
    for cookie in attempt.into_iter().chain(id_token) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// An access key that somebody signs in with.
struct KeyInput(String);

impl FromFields for KeyInput {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("key", |key| Ok::<_, &str>(key.trim().to_owned())).map(Self)
    }
}

async fn sign_in(State(ways): State<Arc<SignInWays>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let keys = ways.keys.as_ref().ok_or_else(|| not_set_up("access keys"))?;
    let copy = Request::from_parts(parts.clone(), body);
    let Command { input: KeyInput(key), .. } = Command::from_request(copy, &()).await?;
    let (principal, digest) = keys.find(&key).map_err(unusable)?.ok_or_else(|| {
        let detail = "There is no such access key, or it was revoked, or it has expired.";
        unauthenticated(detail)
    })?;
    let session = ways.sessions.begin(Principal::clone(&principal), Some(digest)).map_err(|_| unsealed())?;
    let cookie = ways.sessions.cookie(&session, &parts).ok_or_else(unsealed)?;
    Ok((StatusCode::NO_CONTENT, with_cookie(cookie)).into_response())
}

/// Says that somebody is at work: the session lasts as long as it did from the beginning.
async fn renew(State(ways): State<Arc<SignInWays>>, request: Request) -> Result<Response, Problem> {
    let (request, _) = request.into_parts();
    let session = session(&ways, &request)?;
    let session = ways.sessions.renewed(session);
    let cookie = ways.sessions.cookie(&session, &request).ok_or_else(unsealed)?;
    #[derive(Serialize)]
    struct Renewed {
        until: jiff::Timestamp,
    }
    Ok((with_cookie(cookie), Json(Renewed { until: session.until })).into_response())
}

/// Ends the session, and says where it can be ended at the identity provider too. Who has none leaves nothing.
async fn sign_out(State(ways): State<Arc<SignInWays>>, request: Request) -> Result<Response, Problem> {
    let (request, _) = request.into_parts();
    let session = ways.sessions.find(&request)?;
    let is_of_provider = session.as_ref().is_some_and(|session| session.key.is_none());
    if let Some(session) = &session {
        ways.sessions.end(session);
    }
    let provider = ways.oidc.as_deref().and_then(Oidc::sign_in).filter(|_| is_of_provider);
    let site = ways.sessions.site();
    let at_provider = match (provider, &session) {
        (Some(provider), Some(session)) => provider.end(ways.id_tokens.find(session, site, &request)).await,
        _ => None,
    };
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct SignedOut {
        provider: Option<String>,
    }
    let cookie = ways.sessions.no_cookie(&request).ok_or_else(unsealed)?;
    let answer = Json(SignedOut { provider: at_provider.map(String::from) });
    let id_token =
        IdTokens::no_cookie(site, &request).filter(|_| is_of_provider).map(|cookie| (header::SET_COOKIE, cookie));
    Ok((with_cookie(cookie), AppendHeaders(id_token), answer).into_response())
}

/// The session that a request belongs to, which is over if the key is with which it began.
fn session(ways: &SignInWays, request: &Parts) -> Result<Session, Problem> {
    let nobody = || unauthenticated("Nobody has signed in, or not any more.");
    let session = ways.sessions.find(request)?.ok_or_else(nobody)?;
    ways.sessions.principal(&session, ways.keys.as_deref()).map_err(unusable)?.ok_or_else(nobody)?;
    Ok(session)
}

/// Leads a browser on, by GET.
fn redirect(to: &str, cookie: Option<HeaderValue>) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static(PAGE));
    let cookies = AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location), NO_STORE], cookies).into_response()
}

/// Leads back to where people sign in, with a word that says why they are there. What cannot be told to people, or should
/// not be, is in the log.
fn failed(failure: &Failure, back: &str) -> Response {
    let why = match failure {
        Failure::NotBegun => "expired",
        Failure::Refused(_) => "refused",
        Failure::Token(TokenError::Unavailable(_)) => "unavailable",
        Failure::Token(TokenError::Refused(_)) => "invalid",
    };
    if *failure != Failure::NotBegun {
        tracing::warn!(reason = %failure, "somebody could not sign in");
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("problem", why)
        .append_pair("return", back)
        .finish();
    redirect(&format!("{PAGE}?{query}"), None)
}

const NO_STORE: (header::HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

fn with_cookie(cookie: HeaderValue) -> [(header::HeaderName, HeaderValue); 2] {
    [(header::SET_COOKIE, cookie), NO_STORE]
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(problem_type::AUTHENTICATION_REQUIRED, detail).header(header::WWW_AUTHENTICATE, CHALLENGE)
}

fn not_set_up(what: &str) -> Problem {
    Problem::new(problem_type::NOT_FOUND, format!("Nobody signs in with {what} here; see --authentication."))
}

pub(super) fn unusable(unusable: KeysUnusable) -> Problem {
    Problem::unavailable("The access keys cannot be read at the moment.").caused_by(unusable)
}

fn unsealed() -> Problem {
    Problem::internal("a session cannot be sealed")
}
