//! A collector of traces: takes what is exported by OTLP over HTTP.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span as Received;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use tokio::net::TcpListener;

/// A span that was exported.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) name: String,
    pub(super) trace_id: String,
    pub(super) id: String,
    pub(super) parent: String,
    /// Traces and spans.
    pub(super) links: Vec<(String, String)>,
    pub(super) has_failed: bool,
    attributes: Vec<(String, String)>,
}

impl Span {
    /// An attribute that is a text.
    pub(super) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }
}

impl From<Received> for Span {
    fn from(span: Received) -> Self {
        let text = |value: Option<Value>| match value {
            Some(Value::StringValue(text)) => text,
            other => format!("{other:?}"),
        };
        let attributes = span.attributes.into_iter();
        Self {
            name: span.name,
            trace_id: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
            has_failed: span.status.is_some_and(|status| status.code == StatusCode::Error as i32),
            attributes: attributes.map(|a| (a.key, text(a.value.and_then(|value| value.value)))).collect(),
        }
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The names of the spans that a span is within, and the id of the one that is nowhere, if there is one.
pub(super) fn chain(spans: &[Span], span: &Span) -> Vec<String> {
    let (mut names, mut parent) = (Vec::new(), span.parent.clone());
    while let Some(found) = spans.iter().find(|span| span.id == parent) {
        names.push(found.name.clone());
        parent.clone_from(&found.parent);
    }
    names.extend((!parent.is_empty()).then_some(parent));
    names
}

/// A collector on a free port.
pub(super) struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let received = Arc::clone(&spans);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let received = Arc::clone(&received);
                let service = service_fn(move |request| answer(request, Arc::clone(&received)));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, spans }
    }

    /// As `--otlp-endpoint` takes it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// All that has come.
    pub(super) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    received: Arc<Mutex<Vec<Span>>>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    assert_eq!(request.uri().path(), "/v1/traces");
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let export = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = export.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    received.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans).map(Span::from));
    Ok(Response::new(Empty::new()))
}
