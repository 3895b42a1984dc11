//! A question to services, and what comes back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::Stream;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use shared_service::headers::{JETBRIDGE_ACTOR, TRACEPARENT, X_CORRELATION_ID};
use tokio::time::timeout;

use crate::identity::Identity;
use crate::upstream::{Instance, Processor, Standing, Upstream, Upstreams};
use crate::visitor::Visitor;

/// The largest answer that is read, in bytes: a thousand parked events are less than half of it.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Something to ask of each processor.
pub(super) struct Question {
    method: Method,
    path_and_query: String,
    headers: HeaderMap,
    body: Bytes,
}

/// What a processor has answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// An instance of a service, and what it has answered, or why it has not.
pub(super) struct OfInstance {
    pub(super) service: String,
    pub(super) address: String,
    pub(super) standing: Standing,
    pub(super) answer: Result<Answer, String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// The gateway was not told where it is.
    #[error("its processor's address is not known to the gateway; set --{0}-processor")]
    NotKnown(&'static str),
    /// Nothing was asked.
    #[error("its processor cannot be reached")]
    Unreachable,
    /// It may or may not do what it was asked.
    #[error("its processor has not answered in time")]
    Late,
    /// It may or may not have done what it was asked.
    #[error("its processor gave an answer that cannot be read")]
    Unclear,
}

impl Question {
    /// One for whoever asks for it.
    pub(super) fn get(path_and_query: String, visitor: &Visitor) -> Self {
        let mut headers = HeaderMap::new();
        Identity::of(&visitor.who).apply(&mut headers);
        Self { method: Method::GET, path_and_query, headers, body: Bytes::new() }
    }

    /// One for whoever asks for it, with what the headers of their request say about why.
    pub(super) fn post(path_and_query: String, asked_with: &HeaderMap, visitor: &Visitor, body: Bytes) -> Self {
        Self::telling(Method::POST, path_and_query, asked_with, visitor, body)
    }

    /// The same, for what is replaced.
    pub(super) fn put(path_and_query: String, asked_with: &HeaderMap, visitor: &Visitor, body: Bytes) -> Self {
        Self::telling(Method::PUT, path_and_query, asked_with, visitor, body)
    }

    fn telling(method: Method, path_and_query: String, asked_with: &HeaderMap, visitor: &Visitor, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        for name in [JETBRIDGE_ACTOR, X_CORRELATION_ID, TRACEPARENT, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
            for value in asked_with.get_all(&name) {
                headers.append(&name, value.clone());
            }
        }
        Identity::of(&visitor.who).apply(&mut headers);
        Self { method, path_and_query, headers, body }
    }

    /// Asks every instance of every service, all at the same time, whether requests go to it or not.
    pub(super) async fn ask_every_instance(&self, upstreams: &Upstreams, limit: Duration) -> Vec<OfInstance> {
        let instances = upstreams.all().flat_map(|upstream| {
            upstream.instances().iter().map(|instance| (upstream, Arc::clone(instance))).collect::<Vec<_>>()
        });
        let asked = instances.map(async |(upstream, instance)| {
            let answer = timeout(limit, self.send_to(upstreams, upstream, &instance)).await;
            let answer = match answer {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(Unanswered::Unreachable | Unanswered::NotKnown(_))) => Err("it cannot be reached"),
                Ok(Err(Unanswered::Unclear)) => Err("its answer cannot be read"),
                Ok(Err(Unanswered::Late)) | Err(_) => Err("it has not answered in time"),
            };
            OfInstance {
                service: upstream.name.clone(),
                address: instance.authority.to_string(),
                standing: instance.standing(),
                answer: answer.map_err(str::to_owned),
            }
        });
        join_all(asked).await
    }

    pub(super) async fn ask(
        &self,
        upstreams: &Upstreams,
        processor: &Processor,
        limit: Duration,
    ) -> Result<Answer, Unanswered> {
        let upstream = processor.upstream.as_ref().ok_or(Unanswered::NotKnown(processor.domain.name))?;
        timeout(limit, self.send(upstreams, upstream)).await.unwrap_or(Err(Unanswered::Late))
    }

    /// Asks every instance of a processor at the same time: what each answers, the quickest first.
    pub(super) fn ask_each(
        &self,
        upstreams: &Upstreams,
        processor: &Processor,
    ) -> Result<impl Stream<Item = Result<Answer, Unanswered>>, Unanswered> {
        let upstream = processor.upstream.as_ref().ok_or(Unanswered::NotKnown(processor.domain.name))?;
        let instances = upstream.instances();
        let asked = instances.iter().map(|instance| {
            let instance = Arc::clone(instance);
            async move { self.send_to(upstreams, upstream, &instance).await }
        });
        Ok(asked.collect::<FuturesUnordered<_>>())
    }

    /// Asks an instance of it, and another one if that cannot be reached.
    async fn send(&self, upstreams: &Upstreams, upstream: &Upstream) -> Result<Answer, Unanswered> {
        let first = upstream.pick().ok_or(Unanswered::Unreachable)?;
        match self.send_to(upstreams, upstream, &first).await {
            Err(Unanswered::Unreachable) => {
                let second = upstream.pick_other_than(Some(&first)).ok_or(Unanswered::Unreachable)?;
                self.send_to(upstreams, upstream, &second).await
            }
            answer => answer,
        }
    }

    async fn send_to(
        &self,
        upstreams: &Upstreams,
        upstream: &Upstream,
        instance: &Instance,
    ) -> Result<Answer, Unanswered> {
        let mut request = Request::new(Body::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path_and_query.parse().map_err(|_| Unanswered::Unreachable)?;
        *request.headers_mut() = self.headers.clone();
        let (mut parts, body) = request.into_parts();
        instance.address(&mut parts).map_err(|_| Unanswered::Unreachable)?;
        let response = upstreams.send(instance, Request::from_parts(parts, body)).await.map_err(|error| {
            let is_unreachable = error.is_connect();
            upstream.note_failure(instance, if is_unreachable { "cannot be reached" } else { "broke off" });
            if is_unreachable { Unanswered::Unreachable } else { Unanswered::Unclear }
        })?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|_| Unanswered::Unclear)?;
        Ok(Answer { status: parts.status, body: body.to_bytes() })
    }
}

impl Answer {
    /// What a problem says is the matter.
    pub(super) fn detail(&self) -> String {
        #[derive(Deserialize)]
        struct Document {
            detail: String,
        }
        let document = serde_json::from_slice(&self.body).ok();
        document.map_or_else(|| format!("its processor answers {}", self.status), |Document { detail }| detail)
    }
}
