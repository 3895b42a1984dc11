//! What is recorded, and what it belongs to.

use opentelemetry::Context;
use opentelemetry::trace::{Status, TraceContextExt};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::TraceParent;
use crate::export::collector;

/// The links that one span has at most: the SDK's own limit.
const MOST_LINKS: usize = 128;

tokio::task_local! {
    static PASSED_ON: TraceParent;
}

/// Whether there is a collector of spans.
#[must_use]
pub fn is_on() -> bool {
    collector().is_some()
}

/// The trace that something is a part of which begins here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    parent: TraceParent,
    is_first: bool,
}

impl Joined {
    /// What those are told that are asked next, unless a span is recorded here, which they belong to then.
    #[must_use]
    pub const fn parent(self) -> TraceParent {
        self.parent
    }
}

/// Goes on with the trace of whoever asks, or begins one, and decides whether it is recorded: as those have decided who
/// can be trusted, and otherwise by the ratio that is set. The dice are thrown here, since ids from outside can be
/// chosen so that they would win. `None` without a collector.
#[must_use]
pub fn join(parent: Option<TraceParent>, is_trusted: bool) -> Option<Joined> {
    let collector = collector()?;
    let is_sampled = match parent {
        Some(parent) if is_trusted => parent.is_sampled,
        _ => collector.samples(),
    };
    let is_first = parent.is_none();
    let parent = parent.map_or_else(|| TraceParent::random(is_sampled), |parent| TraceParent { is_sampled, ..parent });
    Some(Joined { parent, is_first })
}

/// The span that something begins with, if it is recorded.
pub fn root(joined: Joined, span: impl FnOnce() -> Span) -> Span {
    if !joined.parent.is_sampled || !is_on() {
        return Span::none();
    }
    let span = span();
    if !joined.is_first {
        belong_to(&span, joined.parent);
    }
    span
}

/// The span of what is done for several at once: it belongs to the first of them that is recorded, and has a link to
/// each. None if none is recorded.
pub fn joint(parents: impl IntoIterator<Item = TraceParent>, span: impl FnOnce() -> Span) -> Span {
    let mut recorded = parents.into_iter().filter(|parent| parent.is_sampled).take(MOST_LINKS);
    let Some(first) = recorded.next().filter(|_| is_on()) else { return Span::none() };
    let span = span();
    belong_to(&span, first);
    for parent in std::iter::once(first).chain(recorded) {
        span.add_link(parent.context());
    }
    span
}

fn belong_to(span: &Span, parent: TraceParent) {
    // It has not begun yet, which is all that there would be to refuse.
    let _ = span.set_parent(Context::new().with_remote_span_context(parent.context()));
}

/// The span that is under way here, if it is recorded.
#[must_use]
pub fn current() -> Option<TraceParent> {
    if !is_on() {
        return None;
    }
    of(&Span::current())
}

/// What belongs to a span, if it is recorded.
#[must_use]
pub fn of(span: &Span) -> Option<TraceParent> {
    TraceParent::of(span.context().span().span_context())
}

/// Calls a span that is recorded by what has been found out since it began.
pub fn name(span: &Span, name: String) {
    if !span.is_disabled() {
        span.context().span().update_name(name);
    }
}

/// Says that what a span stands for has failed, and in a word without personal data why.
pub fn fail(span: &Span, kind: &str) {
    if !span.is_disabled() {
        span.set_attribute("error.type", kind.to_owned());
        span.set_status(Status::error(""));
    }
}

/// Does something as a part of a trace, whether it is recorded or not.
pub async fn within<F: Future>(parent: TraceParent, doing: F) -> F::Output {
    PASSED_ON.scope(parent, doing).await
}

/// What is to be said in `traceparent` to those that are asked: the span that is under way, or else what this process was
/// told itself. `None` without a collector.
#[must_use]
pub fn passed_on() -> Option<TraceParent> {
    if !is_on() {
        return None;
    }
    current().or_else(|| PASSED_ON.try_with(|parent| *parent).ok())
}
