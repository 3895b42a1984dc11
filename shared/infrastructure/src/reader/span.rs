//! The spans of what readers do.

use shared_trace::TraceParent;
use tracing::Span;

use super::Work;
use crate::event_store::Recorded;

/// The span of processing events, which belongs to those of their commands.
pub(super) fn of<W: Work>(stream: &str, events: &[Recorded]) -> Span {
    if !shared_trace::is_on() {
        return Span::none();
    }
    let parents = events.iter().filter_map(|recorded| recorded.metadata().ok()?.trace_parent());
    shared_trace::joint(parents, || {
        shared_trace::root_span!(
            "process", otel.name = %format_args!("process {}", W::NAME), otel.kind = "consumer",
            messaging.system = "eventstoredb", "messaging.operation.type" = "process",
            messaging.destination.name = stream, messaging.consumer.group.name = W::NAME,
            messaging.batch.message_count = events.len()
        )
    })
}

/// The span of reacting to an event, which belongs to that of its command.
pub(super) fn of_reaction<W: Work>(stream: &str, event_id: Option<&str>, parent: Option<&str>) -> Span {
    if !shared_trace::is_on() {
        return Span::none();
    }
    shared_trace::joint(parent.and_then(TraceParent::read), || {
        shared_trace::root_span!(
            "process", otel.name = %format_args!("process {}", W::NAME), otel.kind = "consumer",
            messaging.system = "eventstoredb", "messaging.operation.type" = "process",
            messaging.destination.name = stream, messaging.consumer.group.name = W::NAME,
            messaging.message.id = event_id
        )
    })
}
