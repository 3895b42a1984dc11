//! Sets up what takes spans and sends them to a collector.

mod bounded;

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

use http::Uri;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{self, Filter, Layer as _};
use tracing_subscriber::registry::LookupSpan;

use crate::send::Sender;
use crate::{ROOT_TARGET, TARGET};
use bounded::Bounded;

/// What the ratio is unless it is set.
const DEFAULT_RATIO: f64 = 0.1;
/// How long an export may take unless `OTEL_EXPORTER_OTLP_TIMEOUT` says otherwise.
const EXPORT_LIMIT: Duration = Duration::from_secs(10);
/// Where the collector takes spans, below the address that is set (OTLP/HTTP).
const PATH: &str = "v1/traces";
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const LIMITS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];

static COLLECTOR: OnceLock<Collector> = OnceLock::new();

/// Where spans go.
pub(crate) struct Collector {
    pub(crate) tracer: SdkTracer,
    ratio: f64,
}

impl Collector {
    /// Whether something is recorded that nobody has decided about yet.
    pub(crate) fn samples(&self) -> bool {
        rand::random::<f64>() < self.ratio
    }
}

pub(crate) fn collector() -> Option<&'static Collector> {
    COLLECTOR.get()
}

/// Where spans go, and how many. What is not set here, the `OTEL_…` variables say.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The collector, such as `http://host:4318`.
    pub endpoint: Option<String>,
    /// The share of requests that are recorded, from 0 to 1.
    pub ratio: Option<f64>,
    /// What the program is called in traces.
    pub service: String,
    /// Its version.
    pub version: &'static str,
}

/// Traces cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The address of the collector is none.
    #[error("{0:?} is not the address of a collector of traces, such as http://host:4318")]
    Endpoint(String),
    /// What is set otherwise cannot be used.
    #[error("traces cannot be exported as the variables OTEL_… say: {0}")]
    Exporter(String),
    /// They are set up already.
    #[error("traces are set up already")]
    Twice,
}

/// What takes spans from `tracing`.
pub type Layer = Box<dyn layer::Layer<Registry> + Send + Sync>;

/// Sends spans as long as the program runs.
#[derive(Debug)]
pub struct Exporting(SdkTracerProvider);

impl Exporting {
    /// Sends what is left, for so long at most, and no more.
    pub fn end(self, limit: Duration) {
        // What does not succeed was counted and logged.
        let _ = self.0.shutdown_with_timeout(limit);
    }
}

/// What takes spans and sends them, on `runtime`, to the collector that is set. `None` if none is.
///
/// # Errors
/// [`SetUpError`].
pub fn layer(settings: Settings, runtime: Handle) -> Result<Option<(Layer, Exporting)>, SetUpError> {
    let Some(endpoint) = endpoint(settings.endpoint)? else { return Ok(None) };
    let unusable = |error: &dyn std::fmt::Display| SetUpError::Exporter(error.to_string());
    let limit = variable(&LIMITS).and_then(|limit| limit.parse().ok()).map_or(EXPORT_LIMIT, Duration::from_millis);
    let sender = Sender::new(&endpoint, limit, runtime).map_err(|error| unusable(&error))?;
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_http_client(sender);
    let exporter = exporter.with_protocol(Protocol::HttpBinary).with_endpoint(endpoint.to_string()).build();
    let processor = Bounded::new(exporter.map_err(|error| unusable(&error))?);
    let provider = SdkTracerProvider::builder()
        // It is decided before there is a span; see `join`.
        .with_sampler(Sampler::AlwaysOn)
        .with_resource(resource(settings.service, settings.version))
        .with_span_processor(processor)
        .build();
    let tracer = provider.tracer("jetbridge");
    let ratio = settings.ratio.or_else(ratio_of_variables).unwrap_or(DEFAULT_RATIO);
    COLLECTOR.set(Collector { tracer: tracer.clone(), ratio }).map_err(|_| SetUpError::Twice)?;
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_context_activation(false)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
        .with_filter(Ours);
    Ok(Some((Box::new(layer), Exporting(provider))))
}

/// Where spans are sent to: what is set, or what the variables of OpenTelemetry say.
fn endpoint(set: Option<String>) -> Result<Option<Uri>, SetUpError> {
    let says = |name: &str, value: &str| variable(&[name]).is_some_and(|said| said.eq_ignore_ascii_case(value));
    if says("OTEL_SDK_DISABLED", "true") || says("OTEL_TRACES_EXPORTER", "none") {
        return Ok(None);
    }
    let [of_traces, of_all] = ENDPOINTS.map(|name| variable(&[name]));
    let below = |address: String| format!("{}/{PATH}", address.trim_end_matches('/'));
    let address = set.map(below).or(of_traces).or_else(|| of_all.map(below));
    let Some(address) = address else { return Ok(None) };
    let is_usable = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    match address.parse::<Uri>().ok().filter(is_usable) {
        Some(uri) => Ok(Some(uri)),
        None => Err(SetUpError::Endpoint(address)),
    }
}

/// The ratio that `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say. Whether something is recorded is decided by
/// whoever begins, so that the forms with and without `parentbased_` are the same.
fn ratio_of_variables() -> Option<f64> {
    let sampler = variable(&["OTEL_TRACES_SAMPLER"])?;
    match sampler.strip_prefix("parentbased_").unwrap_or(&sampler) {
        "always_on" => Some(1.0),
        "always_off" => Some(0.0),
        "traceidratio" => {
            let ratio = variable(&["OTEL_TRACES_SAMPLER_ARG"]).and_then(|ratio| ratio.parse().ok());
            Some(ratio.filter(|ratio| (0.0..=1.0).contains(ratio)).unwrap_or(1.0))
        }
        _ => None,
    }
}

/// The first of these that is set, and not to nothing.
fn variable(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
}

fn resource(service: String, version: &'static str) -> Resource {
    let is_named = env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty())
        || env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|attributes| attributes.contains("service.name="));
    let builder = Resource::builder().with_attribute(KeyValue::new("service.version", version));
    let builder =
        builder.with_attribute(KeyValue::new("service.instance.id", format!("{:032x}", rand::random::<u128>())));
    if is_named { builder.build() } else { builder.with_service_name(service).build() }
}

/// Takes spans that are for traces: those that something begins with, and those within one that was taken.
struct Ours;

impl<S: Subscriber + for<'span> LookupSpan<'span>> Filter<S> for Ours {
    fn enabled(&self, metadata: &Metadata<'_>, context: &layer::Context<'_, S>) -> bool {
        metadata.target() == ROOT_TARGET || metadata.target() == TARGET && context.lookup_current().is_some()
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.target() {
            ROOT_TARGET => Interest::always(),
            TARGET => Interest::sometimes(),
            _ => Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}
