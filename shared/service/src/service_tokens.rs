//! The service credential: by what the services of one system know each other.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use clap::Args;
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};
use shared_access::Access;
use subtle::{Choice, ConstantTimeEq};
use tokio_util::sync::CancellationToken;

use crate::caller::{Caller, authentication_required};
use crate::error_chain::ErrorChain;
use crate::fingerprint::FingerprintSecrets;
use crate::headers::IDEMPOTENCY_KEY;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::secret::{self, Secret};

/// The shortest token, in characters.
const MIN_CHARACTERS: usize = 32;
/// Random bytes in a token that is made here, which has two hexadecimal digits for each.
const RANDOM_BYTES: usize = 32;
/// How many tokens there may be at a time: one, and another that takes its place.
const MAX_TOKENS: usize = 2;
/// The largest file that is read, in bytes. Tokens and their line ends fit into it.
const MAX_FILE_BYTES: u64 = 4 * 1024;
/// How often it is looked whether the file has changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Where the service credential is.
#[derive(Debug, Clone, Args)]
pub struct ServiceTokenArgs {
    /// File with the token by which the services of one system know each other, the same for all of them, such as the
    /// output of: openssl rand -base64 33. It is read again when it changes. A second line may hold another token: the
    /// first is sent, both are accepted
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_SERVICE_TOKEN_FILE")]
    service_token_file: Option<PathBuf>,
}

impl ServiceTokenArgs {
    /// The tokens in the file.
    ///
    /// # Errors
    /// [`ServiceTokenError`] if there is none, or nothing usable in it.
    pub fn tokens(&self) -> Result<ServiceTokens, ServiceTokenError> {
        let file = self.service_token_file.as_deref().ok_or(ServiceTokenError::NotSet)?;
        ServiceTokens::read(file)
    }
}

/// There is no usable service credential.
#[derive(Debug, thiserror::Error)]
pub enum ServiceTokenError {
    /// Nothing says where it is.
    #[error(
        "--service-token-file (JETBRIDGE_SERVICE_TOKEN_FILE) is not set: the services of one system know each other by \
         the token in this file. Make one for all of them with: openssl rand -base64 33"
    )]
    NotSet,
    /// The file cannot be read.
    #[error("cannot read the service token file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it is refused.
    #[error("the service token file {} {refusal}. Make a token with: openssl rand -base64 33", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        refusal: InvalidTokens,
    },
}

/// A text holds no usable tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTokens {
    /// There are too many.
    #[error("must hold one token, or two, each on a line of its own")]
    TooMany,
    /// One of them is none.
    #[error("{0}")]
    Token(#[from] secret::Refusal),
    /// One of them could be guessed.
    #[error("holds a token of fewer than {MIN_CHARACTERS} characters")]
    Short,
    /// One of them cannot be sent.
    #[error("holds a token with other characters than letters, digits and -._~+/=")]
    Malformed,
}

/// By what the services of one system know each other: whoever shows one of these tokens is one of them. There are two
/// while one takes the place of the other.
#[derive(Clone)]
pub struct ServiceTokens(Arc<Current>);

struct Current {
    tokens: ArcSwap<Tokens>,
    /// Where they come from.
    file: Option<PathBuf>,
}

struct Tokens {
    /// What `Authorization` says to other services.
    sent: HeaderValue,
    /// What `Authorization` may say, as digests, so that comparing takes the same time whatever it says.
    accepted: Vec<[u8; 32]>,
    /// What is made with them. None where they end with the process: nobody would know later what was made.
    fingerprints: FingerprintSecrets,
}

/// What a request shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    /// One of the tokens.
    Token,
    /// Anything else.
    Other,
}

impl ServiceTokens {
    /// A token that nobody else knows, for services that are all in one process.
    #[must_use]
    pub fn random() -> Self {
        let token = rand::random::<[u8; RANDOM_BYTES]>().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (sent, digest) = prepared(&token);
        Self::holding(Tokens { sent, accepted: vec![digest], fingerprints: FingerprintSecrets::default() }, None)
    }

    /// The tokens in a file, each on a line of its own: the first is sent, and all are accepted.
    ///
    /// # Errors
    /// [`ServiceTokenError`] if it cannot be read, or there is nothing usable in it.
    pub fn read(file: &Path) -> Result<Self, ServiceTokenError> {
        Ok(Self::holding(Tokens::read(file)?, Some(file.to_owned())))
    }

    fn holding(tokens: Tokens, file: Option<PathBuf>) -> Self {
        Self(Arc::new(Current { tokens: ArcSwap::from_pointee(tokens), file }))
    }

    /// Reads the file again whenever it changes, until `shutdown`. What cannot be used changes nothing. Ends at once if
    /// there is no file.
    pub async fn follow(self, shutdown: CancellationToken) {
        let Some(file) = self.0.file.clone() else { return };
        let mut trouble: Option<String> = None;
        while shutdown.run_until_cancelled(tokio::time::sleep(LOOK_INTERVAL)).await.is_some() {
            let path = file.clone();
            let read = tokio::task::spawn_blocking(move || Tokens::read(&path)).await;
            match read {
                Ok(Ok(tokens)) => {
                    trouble = None;
                    if tokens.accepted != self.0.tokens.load().accepted {
                        self.0.tokens.store(Arc::new(tokens));
                        tracing::info!("the service token file has changed, and was read again");
                    }
                }
                Ok(Err(error)) => {
                    let error = ErrorChain(&error).to_string();
                    if trouble.as_ref() != Some(&error) {
                        tracing::warn!(
                            error,
                            "the service token file has changed and cannot be used; the tokens from before are"
                        );
                        trouble = Some(error);
                    }
                }
                // The runtime ends.
                Err(_) => return,
            }
        }
    }

    /// What a request to another service says in `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> HeaderValue {
        self.0.tokens.load().sent.clone()
    }

    /// [`ServiceTokens::authorization`], for whoever asks for it again and again.
    #[must_use]
    pub fn credential(&self) -> Arc<dyn Fn() -> HeaderValue + Send + Sync> {
        let tokens = self.clone();
        Arc::new(move || tokens.authorization())
    }

    /// A router that answers those who show a token, whom its routes find as [`Caller`]. Everybody else gets to the
    /// public routes alone, before anything of their request is read.
    pub fn guard(&self, routes: Routes) -> Router {
        let public = routes.list().iter().filter(|route| route.access == Access::Public);
        let guard = Guard { tokens: self.clone(), public: public.map(|route| route.path.clone()).collect() };
        routes.into_router().layer(middleware::from_fn_with_state(guard, identify))
    }

    fn shown_in(&self, headers: &HeaderMap) -> Shown {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Shown::Nothing,
            (Some(value), None) if self.0.tokens.load().contain(value.as_bytes()) => Shown::Token,
            _ => Shown::Other,
        }
    }
}

/// One or two tokens, each on a line of its own.
impl FromStr for ServiceTokens {
    type Err = InvalidTokens;

    fn from_str(text: &str) -> Result<Self, InvalidTokens> {
        Ok(Self::holding(text.parse()?, None))
    }
}

impl fmt::Debug for ServiceTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceTokens(***)")
    }
}

impl Tokens {
    fn read(file: &Path) -> Result<Self, ServiceTokenError> {
        let unreadable = |source| ServiceTokenError::Unreadable { path: file.to_owned(), source };
        let mut text = String::new();
        std::fs::File::open(file)
            .and_then(|open| open.take(MAX_FILE_BYTES).read_to_string(&mut text))
            .map_err(unreadable)?;
        text.parse().map_err(|refusal| ServiceTokenError::Refused { path: file.to_owned(), refusal })
    }

    /// Whether what `Authorization` says is one of them. The scheme may be of either case (RFC 9110, 11.1).
    fn contain(&self, authorization: &[u8]) -> bool {
        const SCHEME: &[u8] = b"Bearer ";
        let Some((scheme, token)) = authorization.split_at_checked(SCHEME.len()) else { return false };
        let shown = digest(token.trim_ascii());
        let is_one = self.accepted.iter().fold(Choice::from(0), |found, accepted| found | accepted.ct_eq(&shown));
        scheme.eq_ignore_ascii_case(SCHEME) && bool::from(is_one)
    }
}

impl FromStr for Tokens {
    type Err = InvalidTokens;

    fn from_str(text: &str) -> Result<Self, InvalidTokens> {
        let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let tokens = lines.iter().map(|line| token(line)).collect::<Result<Vec<_>, _>>()?;
        let accepted = tokens.iter().map(|(_, digest)| *digest).collect();
        match tokens.into_iter().next() {
            None => Err(secret::Refusal::Empty.into()),
            Some(_) if lines.len() > MAX_TOKENS => Err(InvalidTokens::TooMany),
            Some((sent, _)) => {
                let fingerprints = FingerprintSecrets::of(lines.iter().map(|line| line.as_bytes()));
                Ok(Self { sent, accepted, fingerprints })
            }
        }
    }
}

/// A token, as it is sent and as it is compared.
fn token(text: &str) -> Result<(HeaderValue, [u8; 32]), InvalidTokens> {
    let secret = Secret::new(text)?;
    let is_sendable = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    match secret.expose() {
        token if !token.bytes().all(is_sendable) => Err(InvalidTokens::Malformed),
        token if token.len() < MIN_CHARACTERS => Err(InvalidTokens::Short),
        token => Ok(prepared(token)),
    }
}

fn prepared(token: &str) -> (HeaderValue, [u8; 32]) {
    // Its characters can all be in a header; without them, nobody would accept it.
    let mut sent = HeaderValue::try_from(format!("Bearer {token}")).unwrap_or(HeaderValue::from_static(""));
    sent.set_sensitive(true);
    (sent, digest(token.as_bytes()))
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// What it takes to let a request in.
#[derive(Clone)]
struct Guard {
    tokens: ServiceTokens,
    /// The paths of the routes for everybody, as the router names them.
    public: Arc<[String]>,
}

async fn identify(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    match guard.caller(&request) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            if request.headers().contains_key(IDEMPOTENCY_KEY) {
                let secrets = guard.tokens.0.tokens.load().fingerprints.clone();
                request.extensions_mut().insert(secrets);
            }
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

impl Guard {
    /// Who sends a request; `None` if nobody knows, and its route is for everybody.
    fn caller(&self, request: &Request) -> Result<Option<Caller>, Problem> {
        match self.tokens.shown_in(request.headers()) {
            Shown::Token => Caller::of(request.headers()).map(Some),
            Shown::Nothing if self.is_public(request) => Ok(None),
            Shown::Nothing => Err(authentication_required()),
            Shown::Other => Err(authentication_required()
                .caused_by("another token was shown than those of this service; see --service-token-file")),
        }
    }

    fn is_public(&self, request: &Request) -> bool {
        let route = request.extensions().get::<MatchedPath>();
        route.is_some_and(|route| self.public.iter().any(|path| path == route.as_str()))
    }
}
