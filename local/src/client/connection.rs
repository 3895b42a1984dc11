//! Calls of the public API over HTTP, which are repeated for as long as that can help.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared_infrastructure::back_off::BackOff;
use shared_service::ErrorChain;
use shared_service::headers::IDEMPOTENCY_KEY;
use tokio::time::{sleep, timeout};

use super::failure::{Failure, Refusal};
use super::server::Server;

/// Longer than the gateway waits for a service.
const ANSWER_LIMIT: Duration = Duration::from_secs(40);
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The body of an answer while it comes.
pub(crate) type Incoming = hyper::body::Incoming;

/// A server, and what every request to it says.
#[derive(Debug)]
pub(crate) struct Connection {
    http: legacy::Client<HttpsConnector<HttpConnector>, String>,
    server: Server,
    headers: HeaderMap,
    retry_for: Duration,
}

/// A request, which is the same at each attempt.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    path: String,
    headers: HeaderMap,
    key: Option<Key>,
    body: Option<String>,
}

/// By what a command is known when it is repeated.
#[derive(Debug)]
pub(crate) struct Key {
    /// As the server is told.
    pub(crate) sent: String,
    /// As the command line has to give it for the same to be sent again.
    pub(crate) given: String,
}

impl From<String> for Key {
    fn from(key: String) -> Self {
        Self { sent: key.clone(), given: key }
    }
}

/// An answer that says yes.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body as it came.
    pub(crate) body: Bytes,
}

impl Call {
    /// A query.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: HeaderMap::new(), key: None, body: None }
    }

    /// A command that is carried out once, however often it is sent.
    pub(crate) fn command(method: Method, path: impl Into<String>, body: Option<&Value>, key: impl Into<Key>) -> Self {
        let key = Some(key.into());
        let body = body.map(Value::to_string);
        Self { method, path: path.into(), headers: HeaderMap::new(), key, body }
    }

    /// With one more header.
    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Method and path, for messages.
    pub(crate) fn name(&self) -> String {
        // What is searched for may be a name.
        format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default())
    }
}

impl Answer {
    /// What the body says.
    ///
    /// # Errors
    /// [`Failure::Unreadable`] if it says something else.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

impl Connection {
    /// A connection that says `headers` with every request, and asks again for at least this long.
    ///
    /// # Errors
    /// [`Failure::Usage`] if the certificates of the system cannot be used, which it takes for https.
    pub(crate) fn new(server: Server, headers: HeaderMap, retry_for: Duration) -> Result<Self, Failure> {
        let connector = connector(&server).map_err(|error| {
            Failure::Usage(format!("the certificates of this system cannot be used: {}", ErrorChain(&error)))
        })?;
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { http, server, headers, retry_for })
    }

    /// For how long something that is not answered is asked again.
    pub(crate) const fn retry_for(&self) -> Duration {
        self.retry_for
    }

    /// Tries until there is an answer that will not be another one in a moment, or the time is over. `repeating` hears
    /// why it is tried again.
    ///
    /// # Errors
    /// [`Failure`] if there is none, or it says no.
    pub(crate) async fn call(&self, call: &Call, repeating: impl Fn(&Failure)) -> Result<Answer, Failure> {
        let begin = Instant::now();
        let mut back_off = BackOff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut may_be_done = false;
        loop {
            let failure = match timeout(ANSWER_LIMIT, self.attempt(call)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) => failure,
                Err(_elapsed) => {
                    Failure::no_answer(call.name(), format!("nothing within {} s", ANSWER_LIMIT.as_secs()))
                }
            };
            if !failure.is_temporary() {
                return Err(failure);
            }
            may_be_done |= failure.leaves_open();
            let pause = back_off.next_pause().max(failure.retry_after().unwrap_or_default());
            if begin.elapsed() + pause > self.retry_for {
                return Err(match &call.key {
                    Some(key) if may_be_done => Failure::outcome_unknown(call.name(), key.given.clone(), failure),
                    _ => failure,
                });
            }
            repeating(&failure);
            sleep(pause).await;
        }
    }

    /// Asks once, and gives the answer whatever it says.
    ///
    /// # Errors
    /// [`Failure`] if there is none.
    pub(crate) async fn look(&self, call: &Call) -> Result<(StatusCode, Bytes), Failure> {
        let looking = async {
            let (parts, body) = self.send(call).await?.into_parts();
            Ok((parts.status, whole(call, body).await?))
        };
        let looked = timeout(ANSWER_LIMIT, looking).await;
        looked.unwrap_or_else(|_| {
            Err(Failure::no_answer(call.name(), format!("nothing within {} s", ANSWER_LIMIT.as_secs())))
        })
    }

    /// Asks once, and returns when the answer begins.
    ///
    /// # Errors
    /// [`Failure`] if there is none, or it says no.
    pub(crate) async fn open(&self, call: &Call) -> Result<Response<Incoming>, Failure> {
        let response = self.send(call).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = whole(call, body).await?;
        Err(Failure::Refused(Box::new(Refusal::new(parts.status, &parts.headers, &body))))
    }

    async fn send(&self, call: &Call) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::builder().method(&call.method).uri(self.server.at(&call.path));
        for (name, value) in self.headers.iter().chain(&call.headers) {
            request = request.header(name, value);
        }
        if let Some(key) = &call.key {
            request = request.header(IDEMPOTENCY_KEY, &key.sent);
        }
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = call.body.clone().unwrap_or_default();
        let request = request.body(body).map_err(|error| Failure::Usage(error.to_string()))?;
        self.http.request(request).await.map_err(|error| {
            let why = ErrorChain(&error).to_string();
            if error.is_connect() {
                Failure::unreachable(&self.server, why)
            } else {
                Failure::no_answer(call.name(), why)
            }
        })
    }

    async fn attempt(&self, call: &Call) -> Result<Answer, Failure> {
        let (parts, body) = self.open(call).await?.into_parts();
        Ok(Answer { headers: parts.headers, body: whole(call, body).await? })
    }
}

fn connector(server: &Server) -> io::Result<HttpsConnector<HttpConnector>> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    if server.is_encrypted() {
        let tls = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
        return Ok(tls.https_only().enable_all_versions().build());
    }
    let nobody = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(HttpsConnectorBuilder::new().with_tls_config(nobody).https_or_http().enable_http1().build())
}

async fn whole(call: &Call, body: Incoming) -> Result<Bytes, Failure> {
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    Ok(body.map_err(|error| Failure::no_answer(call.name(), ErrorChain(&*error).to_string()))?.to_bytes())
}

/// Whether it may be another status in a moment.
pub(super) fn is_temporary(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}
