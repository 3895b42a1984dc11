//! JSON-RPC calls to the APIs of other domains: a client that keeps its connections, limits every call, and asks again.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use http::{HeaderName, HeaderValue, header};
use jsonrpsee::core::ClientError;
use jsonrpsee::http_client::{
    CustomCertStore, HttpBackend, HttpClient, HttpClientBuilder, HttpRequest, RpcLogger, RpcService,
};
use shared_kernel::Domain;
use shared_rpc::Fault;
use shared_telemetry::table::{RPC_DURATION, RPC_FAILURES};
use shared_telemetry::{Counter, Histogram};
use shared_trace::{CorrelationId, TraceParent};
use tower::layer::layer_fn;
use tower::{Service, ServiceBuilder};
use tracing::Instrument;

use crate::limits;

/// The same for everything that one request sets off.
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// W3C trace context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(20);
const RETRIES: usize = 3;
const CALLS_AT_ONCE: usize = 1_024;

/// The address of another domain's API is not usable.
#[derive(Debug, thiserror::Error)]
#[error("the address of the {service} is not usable: {reason}")]
pub struct InvalidRpcAddress {
    service: String,
    reason: String,
}

/// What calls say in `Authorization`, asked for each of them: it may change while clients are in use.
pub type Credential = Arc<dyn Fn() -> HeaderValue + Send + Sync>;

/// The addresses of the JSON-RPC methods of other domains, one for each instance, by the names of the domains.
#[derive(Clone)]
pub struct Peers {
    addresses: BTreeMap<&'static str, Vec<String>>,
    credential: Credential,
    trust: Option<CustomCertStore>,
}

impl Peers {
    /// Domains at these addresses, who know their callers by this credential.
    pub fn new(addresses: impl IntoIterator<Item = (&'static str, Vec<String>)>, credential: Credential) -> Self {
        Self { addresses: addresses.into_iter().collect(), credential, trust: None }
    }

    /// The same, of which those at `https://` addresses prove their names to this. Without, there are none.
    #[must_use]
    pub fn trusting(self, trust: Option<rustls::ClientConfig>) -> Self {
        Self { trust, ..self }
    }

    /// A client of a domain that is among them.
    ///
    /// # Errors
    /// [`InvalidRpcAddress`] if it is not, or if its address cannot be parsed.
    pub fn client(&self, domain: &Domain) -> Result<RpcClient, InvalidRpcAddress> {
        let service = format!("{} API", domain.name);
        match self.addresses.get(domain.name) {
            Some(addresses) => RpcClient::of_several(service, addresses, &self.credential, self.trust.as_ref()),
            None => Err(InvalidRpcAddress { service, reason: "it is not set".to_owned() }),
        }
    }
}

/// What the methods of a contract are called through.
pub type Transport = HttpClient<RpcLogger<RpcService<Authorized>>>;

/// Calls the JSON-RPC methods of one service: one of its instances, until that cannot be reached or do its work; then the
/// next.
#[derive(Clone)]
pub struct RpcClient {
    service: Arc<str>,
    /// One for each instance, at least one.
    clients: Arc<[Transport]>,
    /// How often it was gone on to the next.
    turn: Arc<AtomicUsize>,
    taken: Histogram,
    failed: Counter,
}

impl RpcClient {
    /// A client of `service` at an `http://` address. Nothing is sent before the first call.
    ///
    /// # Errors
    /// [`InvalidRpcAddress`] if the address cannot be parsed.
    pub fn new(service: impl Into<String>, url: &str, credential: Credential) -> Result<Self, InvalidRpcAddress> {
        Self::of_several(service.into(), &[url.to_owned()], &credential, None)
    }

    /// A client of a `service` whose instances are at these addresses.
    fn of_several(
        service: String,
        urls: &[String],
        credential: &Credential,
        trust: Option<&CustomCertStore>,
    ) -> Result<Self, InvalidRpcAddress> {
        let transports = urls.iter().map(|url| transport(url, Arc::clone(credential), trust));
        let clients = transports.collect::<Result<Arc<[_]>, _>>();
        match clients {
            Ok(clients) if clients.is_empty() => Err(InvalidRpcAddress { service, reason: "it is not set".to_owned() }),
            Ok(clients) => {
                let label = service.to_lowercase().replace(' ', "-");
                let (taken, failed) = (RPC_DURATION.of([&label]), RPC_FAILURES.of([&label]));
                Ok(Self { service: service.into(), clients, turn: Arc::default(), taken, failed })
            }
            Err(error) => Err(InvalidRpcAddress { service, reason: error.to_string() }),
        }
    }

    /// Makes a call, again with back-off while the service cannot be reached. Every method of the contracts may be
    /// repeated. What the service itself has answered is passed on at once; that something is not available to it only if
    /// it has no other instance to be asked.
    ///
    /// # Errors
    /// [`Fault`] once the attempts or the time are used up.
    pub async fn call<T, F>(&self, method: impl Fn(Transport) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let back_off =
            ExponentialBuilder::default().with_min_delay(FIRST_RETRY_PAUSE).with_max_times(RETRIES).with_jitter();
        let mut an_outcome_is_unknown = false;
        let mut unavailable = 0;
        let attempts = (|| self.attempt(&method)).retry(back_off).when(|error| {
            let fault = Fault::of_call("", error);
            an_outcome_is_unknown |= matches!(fault, Fault::OutcomeUnknown { .. });
            let is_reached = !matches!(error, ClientError::Transport(_));
            unavailable += usize::from(is_reached && matches!(fault, Fault::Unavailable { .. }));
            !is_reached || (1..self.clients.len()).contains(&unavailable)
        });
        let span =
            shared_trace::span!("JSON-RPC", otel.kind = "client", rpc.system = "jsonrpc", rpc.service = &*self.service);
        let taken = self.taken.start_timer();
        let outcome = tokio::time::timeout(limits::RPC_CALL, attempts).instrument(span.clone()).await;
        taken.observe_duration();
        if !matches!(outcome, Ok(Ok(_))) {
            self.failed.inc();
            shared_trace::fail(&span, if outcome.is_ok() { "fault" } else { "timeout" });
        }
        match outcome {
            Ok(outcome) => outcome.map_err(|error| {
                let fault = Fault::of_call(&self.service, &error);
                if an_outcome_is_unknown { fault.after_an_unknown_outcome() } else { fault }
            }),
            Err(_) => {
                Err(Fault::OutcomeUnknown { service: self.service.to_string(), reason: "no answer in time".to_owned() })
            }
        }
    }

    /// Asks the instance whose turn it is. It is the next one's turn if that fails.
    async fn attempt<T, F>(&self, method: impl Fn(Transport) -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let turn = self.turn.load(Ordering::Relaxed);
        let outcome = method(self.clients[turn % self.clients.len()].clone()).await;
        if let Err(error) = &outcome
            && (!matches!(error, ClientError::Call(_))
                || matches!(Fault::of_call("", error), Fault::Unavailable { .. }))
        {
            // Of several that fail at once, one goes on to the next.
            let _ = self.turn.compare_exchange(turn, turn.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
        }
        outcome
    }
}

/// What calls methods at an address.
fn transport(url: &str, credential: Credential, trust: Option<&CustomCertStore>) -> Result<Transport, ClientError> {
    let authorized = move |backend| Authorized { backend, credential: Arc::clone(&credential) };
    let builder = match trust {
        Some(trust) => HttpClientBuilder::default().with_custom_cert_store(trust.clone()),
        None if url.starts_with("https:") => {
            return Err(ClientError::Custom("nobody is trusted to be there".to_owned()));
        }
        None => HttpClientBuilder::default(),
    };
    builder
        .set_http_middleware(ServiceBuilder::new().layer(layer_fn(authorized)))
        .request_timeout(limits::RPC_ATTEMPT)
        .max_concurrent_requests(CALLS_AT_ONCE)
        .build(url)
}

/// Sends requests with a credential, and with what they are a part of.
#[derive(Clone)]
pub struct Authorized {
    backend: HttpBackend,
    credential: Credential,
}

impl Service<HttpRequest> for Authorized {
    type Response = <HttpBackend as Service<HttpRequest>>::Response;
    type Error = <HttpBackend as Service<HttpRequest>>::Error;
    type Future = <HttpBackend as Service<HttpRequest>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<HttpRequest>::poll_ready(&mut self.backend, context)
    }

    fn call(&mut self, mut request: HttpRequest) -> Self::Future {
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, (self.credential)());
        if let Some(id) = CorrelationId::current() {
            headers.insert(CORRELATION_ID, id.header());
        }
        if let Some(parent) = shared_trace::passed_on().and_then(TraceParent::header) {
            headers.insert(TRACEPARENT, parent);
        }
        self.backend.call(request)
    }
}
