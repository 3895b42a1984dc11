//! How one domain calls the other: a client that keeps its connections, limits every call, and asks again.

use std::future::Future;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use jsonrpsee::core::ClientError;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use shared_contracts::Fault;

use crate::limits;

const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(20);
const RETRIES: usize = 3;
const CALLS_IN_FLIGHT: usize = 1_024;

/// The address of the other domain's API is not usable.
#[derive(Debug, thiserror::Error)]
#[error("the address of the {service} is not usable: {reason}")]
pub struct InvalidRpcAddress {
    service: &'static str,
    reason: String,
}

/// Calls the JSON-RPC methods of one service.
#[derive(Clone)]
pub struct RpcClient {
    service: &'static str,
    client: HttpClient,
}

impl RpcClient {
    /// A client of `service` at an `http://` address. Nothing is sent before the first call.
    ///
    /// # Errors
    /// [`InvalidRpcAddress`] if the address cannot be parsed.
    pub fn new(service: &'static str, url: &str) -> Result<Self, InvalidRpcAddress> {
        let client = HttpClientBuilder::default()
            .request_timeout(limits::RPC_ATTEMPT)
            .max_concurrent_requests(CALLS_IN_FLIGHT)
            .build(url)
            .map_err(|error| InvalidRpcAddress { service, reason: error.to_string() })?;
        Ok(Self { service, client })
    }

    /// Makes a call, again with back-off while the service cannot be reached. Every method of the contracts may be repeated.
    /// What the service itself has answered, also that something is not available to it, is passed on at once.
    ///
    /// # Errors
    /// [`Fault`] once the attempts or the time are used up.
    pub async fn call<T, F>(&self, method: impl Fn(HttpClient) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let back_off =
            ExponentialBuilder::default().with_min_delay(FIRST_RETRY_PAUSE).with_max_times(RETRIES).with_jitter();
        let attempts =
            (|| method(self.client.clone())).retry(back_off).when(|error| matches!(error, ClientError::Transport(_)));
        match tokio::time::timeout(limits::RPC_CALL, attempts).await {
            Ok(outcome) => outcome.map_err(|error| Fault::of_call(self.service, &error)),
            Err(_) => Err(Fault::OutcomeUnknown { service: self.service, reason: "no answer in time".to_owned() }),
        }
    }
}
