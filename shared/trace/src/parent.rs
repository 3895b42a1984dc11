use std::fmt;

use http::HeaderValue;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// A span that others belong to, and whether it is recorded: what `traceparent` says (W3C Trace Context).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) is_sampled: bool,
}

impl TraceParent {
    /// What a `traceparent` says; `None` if it cannot be read.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = shared_kernel::trace_parent(text)?;
        let mut parts = text.split('-').skip(1);
        let trace = TraceId::from_hex(parts.next()?).ok()?;
        let span = SpanId::from_hex(parts.next()?).ok()?;
        let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
        Some(Self { trace, span, is_sampled: flags & 1 == 1 })
    }

    /// One that nobody has heard of.
    pub(crate) fn random(is_sampled: bool) -> Self {
        // No id is zero.
        let (trace, span) = (rand::random::<u128>().max(1), rand::random::<u64>().max(1));
        Self { trace: TraceId::from(trace), span: SpanId::from(span), is_sampled }
    }

    /// Whether it is recorded.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.is_sampled
    }

    /// As a header says it.
    #[must_use]
    pub fn header(self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.to_string()).ok()
    }

    /// The id of the trace, in hexadecimal digits.
    #[must_use]
    pub fn trace_id(self) -> String {
        self.trace.to_string()
    }

    pub(crate) fn of(context: &SpanContext) -> Option<Self> {
        let (trace, span) = (context.trace_id(), context.span_id());
        context.is_valid().then(|| Self { trace, span, is_sampled: context.is_sampled() })
    }

    pub(crate) fn context(self) -> SpanContext {
        let flags = if self.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        SpanContext::new(self.trace, self.span, flags, true, TraceState::default())
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.is_sampled))
    }
}
