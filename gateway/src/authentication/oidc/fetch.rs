//! What the provider is asked over HTTP, with a limit on time and size.

use std::pin::Pin;
use std::time::Duration;

use bytes::BytesMut;
use futures::TryStreamExt;
use http::{StatusCode, header};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect;
use serde::de::DeserializeOwned;
use shared_service::ErrorChain;

/// How long it may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How long an answer may take, to its end.
const LIMIT: Duration = Duration::from_secs(5);
/// The largest answer.
const MAX_BYTES: usize = 256 * 1024;

/// The provider has not answered as it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("cannot be asked: {0}")]
    Unreachable(String),
    #[error("answers {0}")]
    Status(StatusCode),
    #[error("answers with more than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("answers with something else than expected: {0}")]
    Malformed(String),
}

/// Asks the provider. Follows no redirects: whom it believes is what operators have set, and what that describes.
pub(super) struct Http(reqwest::Client);

impl Http {
    /// # Errors
    /// If the system has nothing by which certificates can be checked.
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .timeout(LIMIT)
            .redirect(redirect::Policy::none())
            .build();
        client.map(Self)
    }

    /// Asks for a JSON document, as the holder of an access token if there is one.
    pub(super) async fn json<T: DeserializeOwned>(&self, url: &str, token: Option<&str>) -> Result<T, FetchError> {
        let mut request = http::Request::get(url).header(header::ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Vec::new()).map_err(|error| FetchError::Malformed(error.to_string()))?;
        let answer = self.send(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        serde_json::from_slice(answer.body()).map_err(|error| FetchError::Malformed(error.to_string()))
    }

    /// Sends any request, and reads the whole answer.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let unreachable = |error: reqwest::Error| FetchError::Unreachable(ErrorChain(&error.without_url()).to_string());
        let request = reqwest::Request::try_from(request).map_err(unreachable)?;
        let answer = self.0.execute(request).await.map_err(unreachable)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = BytesMut::new();
        let mut parts = answer.bytes_stream();
        while let Some(part) = parts.try_next().await.map_err(unreachable)? {
            if body.len() + part.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        let mut response = http::Response::new(body.to_vec());
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
