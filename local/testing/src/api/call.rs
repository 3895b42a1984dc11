//! Requests, and how each is sent.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Body, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::contract::check_described;
use super::{Answer, Api};
use crate::audit::KNOWN_BY;
use crate::eventually::eventually;

/// How long what an API needs may take to start.
const AVAILABLE_LIMIT: Duration = Duration::from_secs(20);

/// A request that is being put together.
#[derive(Debug)]
pub struct Call {
    api: Api,
    request: RequestBuilder,
    what: String,
}

impl Call {
    pub(super) fn new(api: Api, request: RequestBuilder, what: String) -> Self {
        Self { api, request, what }
    }

    /// With this body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// With a body that is said to be JSON.
    #[must_use]
    pub fn raw_json(self, body: impl Into<Body>) -> Self {
        self.header("Content-Type", "application/json").body(body)
    }

    /// With a body of any kind.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.request = self.request.body(body);
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// With an `Idempotency-Key`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// With an `Idempotency-Key` by which its entries are found in the audit log, which does not show keys.
    #[must_use]
    pub fn known_by(self, key: &str) -> Self {
        self.key(key).header("X-Correlation-Id", &format!("{KNOWN_BY}{key}"))
    }

    /// With `If-Match`.
    #[must_use]
    pub fn if_match(self, etag: &str) -> Self {
        self.header("If-Match", etag)
    }

    /// With a `Jetbridge-Position` that the answer has to cover.
    #[must_use]
    pub fn position(self, position: &str) -> Self {
        self.header("Jetbridge-Position", position)
    }

    /// The answer.
    ///
    /// # Panics
    ///
    /// When there is none, or something does not hold that has to for every answer.
    pub async fn send(self) -> Answer {
        let what = self.what.clone();
        match self.try_send().await {
            Ok(answer) => answer,
            Err(error) => panic!("{what}: no answer: {error:?}"),
        }
    }

    /// The answer, once it is not 503: what it needs may be starting.
    ///
    /// # Panics
    ///
    /// When it does not become another in time, or as [`send`](Self::send) does.
    pub async fn send_once_available(self) -> Answer {
        let what = format!("{} is answered", self.what);
        eventually(&what, AVAILABLE_LIMIT, async || {
            let request = self.request.try_clone().expect("a body that can be sent again");
            let answer = Self { api: self.api.clone(), request, what: self.what.clone() }.send().await;
            if answer.status == StatusCode::SERVICE_UNAVAILABLE { Err(answer.text) } else { Ok(answer) }
        })
        .await
    }

    /// The answer with its body still to come.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn response(self) -> Response {
        let what = self.what;
        self.request.send().await.unwrap_or_else(|error| panic!("{what}: no answer: {error:?}"))
    }

    /// The answer, or why there is none.
    ///
    /// # Errors
    ///
    /// When it does not arrive.
    ///
    /// # Panics
    ///
    /// When something does not hold that has to for every answer.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let response = self.request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let is_json = headers.get(CONTENT_TYPE).is_some_and(|found| found.as_bytes().ends_with(b"json"));
        let body = match is_json && !text.is_empty() {
            true => serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}: {text}", self.what)),
            false => Value::Null,
        };
        let answer = Answer { what: self.what, status, headers, body, text };
        // A health check that fails is an answer, not a problem.
        let is_problem = status.as_u16() >= 400 && !answer.what.contains("health");
        if is_problem && !answer.what.starts_with("HEAD") {
            answer.check_problem();
            if self.api.explains {
                check_explained(&self.api, &answer).await;
            }
        }
        if self.api.explains {
            check_described(&self.api, &answer).await;
        }
        Ok(answer)
    }
}

/// Every type of problem has a page that explains it. Each is looked at once.
async fn check_explained(api: &Api, answer: &Answer) {
    static EXPLAINED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let kind = answer.body["type"].as_str().expect("a type").to_owned();
    if EXPLAINED.lock().unwrap_or_else(PoisonError::into_inner).contains(&kind) {
        return;
    }
    // The system may have been killed since it answered; then another answer of this type is looked at.
    let Ok(page) = api.client.get(api.at(&kind)).send().await else { return };
    assert_eq!(page.status(), StatusCode::OK, "{kind} is not explained");
    assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    let Ok(page) = page.text().await else { return };
    assert!(page.contains(&kind), "{page}");
    EXPLAINED.lock().unwrap_or_else(PoisonError::into_inner).insert(kind);
}
