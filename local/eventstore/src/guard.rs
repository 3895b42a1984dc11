//! Who is let in: programs that know the password and ask for a name that this server has. Never a browser.
//!
//! A browser lets any page send requests to any address that it can reach. What it sends by itself tells it apart
//! (`Origin`, `Sec-Fetch-…`), and where a page has made its own name lead here (DNS rebinding), the name does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tonic::Status;

use crate::call;
use crate::connection::Conversation;
use crate::hosts::HostName;
use crate::password::Password;

/// What tells whether the server is there: answered without the password, and no reason to keep a connection.
const SIGNS_OF_LIFE: [&str; 2] = ["/health/live", "/ping"];
/// What clients ask before anything else, and without the password although they have it. The answer is always the same.
const FEATURES: &str = "/event_store.client.server_features.ServerFeatures/GetSupportedMethods";

/// What browsers alone send, and pages cannot take away: headers that begin so (Fetch Standard, section 2.2.2).
const OF_BROWSERS: &str = "sec-";

/// How much of a name that is not known is repeated, in characters.
const LONGEST_SHOWN: usize = 100;

/// What requests are compared with.
#[derive(Debug)]
pub(crate) struct Guard {
    hosts: Vec<HostName>,
    password: Option<Password>,
    /// Whether it was logged that a name is not known: whoever chose it reads why.
    has_said: AtomicBool,
}

/// Why a request was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error("this event store does not answer browsers: it refuses requests with Origin or Sec-… headers")]
    Browser,
    #[error("this event store does not answer for the name {0}; if it is right, start it with --public-host NAME")]
    Host(String),
    #[error("the user or the password is missing or wrong")]
    Password,
}

impl Guard {
    pub(crate) fn new(hosts: Vec<HostName>, password: Option<Password>) -> Self {
        Self { hosts, password, has_said: AtomicBool::new(false) }
    }

    /// What `GET /info` calls the way in which clients say who they are.
    pub(crate) fn authentication(&self) -> &'static str {
        if self.password.is_some() { "internal" } else { "insecure" }
    }

    /// Whether to let a request in; and if so, whether its connection may stay for it.
    fn look_at(&self, request: &Request) -> Result<bool, Refusal> {
        let headers = request.headers();
        if headers.contains_key(header::ORIGIN) || headers.keys().any(|name| name.as_str().starts_with(OF_BROWSERS)) {
            return Err(Refusal::Browser);
        }
        let local = request.extensions().get::<Conversation>().map(Conversation::local);
        self.check_names(request, local)?;
        match (request.uri().path(), self.is_known(headers)) {
            (path, _) if SIGNS_OF_LIFE.contains(&path) => Ok(false),
            (_, true) => Ok(true),
            (FEATURES, false) => Ok(false),
            (_, false) => Err(Refusal::Password),
        }
    }

    /// Checks all names that the client has for this server: HTTP/2 and proxies may send two.
    fn check_names(&self, request: &Request, local: Option<SocketAddr>) -> Result<(), Refusal> {
        let in_header = request.headers().get_all(header::HOST).iter().map(|value| value.as_bytes());
        let in_address = request.uri().authority().map(|authority| authority.as_str().as_bytes());
        let mut names = in_address.into_iter().chain(in_header).peekable();
        if names.peek().is_none() {
            return Err(Refusal::Host("\"\"".to_owned()));
        }
        match names.find(|name| !self.answers_for(name, local)) {
            None => Ok(()),
            Some(name) => {
                let shown: String = String::from_utf8_lossy(name).chars().take(LONGEST_SHOWN).collect();
                Err(Refusal::Host(format!("{shown:?}")))
            }
        }
    }

    fn answers_for(&self, name: &[u8], local: Option<SocketAddr>) -> bool {
        let Ok(authority) = Authority::try_from(name) else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        match authority.host().parse() {
            Ok(HostName::Address(address)) if address.is_loopback() => true,
            Ok(HostName::Address(address)) if local.map(|local| local.ip().to_canonical()) == Some(address) => true,
            Ok(host) => host.is_localhost() || self.hosts.contains(&host),
            Err(_) => false,
        }
    }

    /// Whether there is no password, or exactly one is given, and it is the right one.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let Some(password) = &self.password else { return true };
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let only = given.next().filter(|_| given.next().is_none());
        only.is_some_and(|given| password.is_in(given.as_bytes()))
    }

    fn log(&self, refusal: &Refusal) {
        if matches!(refusal, Refusal::Host(_)) && !self.has_said.swap(true, Ordering::Relaxed) {
            tracing::warn!("refused a request: {refusal}");
        } else {
            tracing::debug!("refused a request: {refusal}");
        }
    }
}

/// Lets in who may be let in.
pub(crate) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.look_at(&request) {
        Ok(may_stay) => {
            if may_stay && let Some(conversation) = request.extensions().get::<Conversation>() {
                conversation.has_begun();
            }
            next.run(request).await
        }
        Err(refusal) => {
            guard.log(&refusal);
            refusal.answer(&request)
        }
    }
}

impl Refusal {
    /// In the language that was spoken.
    fn answer(&self, request: &Request) -> Response {
        if request.version() == Version::HTTP_2 && call::is_grpc(request.headers()) {
            let status = match self {
                Self::Browser => Status::permission_denied(self.to_string()),
                // Clients say what is in it, and do not try again.
                Self::Host(_) => Status::invalid_argument(self.to_string()),
                Self::Password => Status::unauthenticated(self.to_string()),
            };
            return status.into_http::<Body>();
        }
        match self {
            Self::Browser => (StatusCode::FORBIDDEN, self.to_string()).into_response(),
            Self::Host(_) => (StatusCode::MISDIRECTED_REQUEST, self.to_string()).into_response(),
            Self::Password => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"event store\"")];
                (StatusCode::UNAUTHORIZED, challenge, self.to_string()).into_response()
            }
        }
    }
}
