//! Sends spans over HTTP, on the runtime of the program: what exports them runs on a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri, uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// The largest answer of a collector that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// A client for one collector.
#[derive(Debug)]
pub(crate) struct Sender {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
    limit: Duration,
}

impl Sender {
    /// One that waits so long for an answer. Over TLS, the system's authorities vouch for the collector.
    ///
    /// # Errors
    /// If this build has no usable version of TLS.
    pub(crate) fn new(endpoint: &Uri, limit: Duration, runtime: Handle) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        if endpoint.scheme() == Some(&uri::Scheme::HTTPS) {
            // Without any, no collector can prove its name, which every export says.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let tls = tls.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT_LIMIT));
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new()).build(connector.wrap_connector(http));
        Ok(Self { client, runtime, limit })
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, limit) = (self.client.clone(), self.limit);
        let sending = async move {
            let (parts, body) = client.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await?.to_bytes();
            Ok(Response::from_parts(parts, body))
        };
        // Timers are the runtime's as well.
        self.runtime.spawn(async move { timeout(limit, sending).await }).await??
    }
}
