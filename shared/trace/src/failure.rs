use std::time::SystemTime;

use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use crate::export::collector;
use crate::{Joined, TraceParent};

/// Something that has failed and was not recorded while it went on: it is recorded afterwards, as one span without those
/// within it.
#[derive(Debug)]
pub struct Failure {
    /// The name of the span.
    pub name: String,
    /// Whether somebody asked for it over the network; if not, an event set it off.
    pub is_request: bool,
    /// When it began.
    pub began: SystemTime,
    /// A word for what was the matter.
    pub kind: String,
    /// What else is to be said, without personal data.
    pub attributes: Vec<(&'static str, String)>,
}

impl Failure {
    /// Records it in the trace that it was a part of.
    pub fn record_in(self, joined: Joined) {
        self.record(Some(joined.parent()));
    }

    /// Records it in a trace, or in one of its own.
    pub fn record(self, parent: Option<TraceParent>) {
        let Some(collector) = collector() else { return };
        let parent = parent.map(|parent| TraceParent { is_sampled: true, ..parent }.context());
        let context = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        let Self { name, is_request, began, kind, attributes } = self;
        let attributes = attributes.into_iter().chain([("error.type", kind)]);
        let builder = collector.tracer.span_builder(name);
        let builder = builder.with_kind(if is_request { SpanKind::Server } else { SpanKind::Consumer });
        let builder = builder.with_start_time(began);
        let builder = builder.with_attributes(attributes.map(|(name, value)| KeyValue::new(name, value)));
        let mut span = builder.start_with_context(&collector.tracer, &context);
        opentelemetry::trace::Span::set_status(&mut span, Status::error(""));
        opentelemetry::trace::Span::end(&mut span);
    }
}
