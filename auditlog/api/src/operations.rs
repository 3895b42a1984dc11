//! What clients are told about each route.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;
use shared_kernel::{Described, Domain, Position, Revision};
use shared_service::csv::Format;
use shared_service::openapi::{Operation, page};
use uuid::Uuid;

use crate::entry::LogEntry;
use crate::filter::Filter;
use crate::routes::{EventsInput, ListInput};
use crate::stream::Log;

shared_kernel::described! {
    LogEntry as "AuditLogEntry", "What was recorded; `position` is one that covers it" {
        "stream": String = "flight-stream",
        "eventNumber": Revision = 7,
        "eventId": Uuid = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2d",
        "eventType": String = "FlightCreated",
        "created": Timestamp = "2026-05-01T10:30:00Z",
        "data": Value = _,
        "metadata": Value = _,
        "position": Position = "f7",
    }
}

pub(crate) fn list(domains: &'static [&'static Domain], log: Log) -> Operation {
    let id = format!("listAuditLog-{}", log.name());
    let summary = match log {
        Log::Refusals => "Lists commands that were refused",
        Log::Of(_) | Log::All(_) => "Lists what was recorded",
    };
    let entries = page(LogEntry::schema(), Option::<String>::schema());
    let forms = [("application/json", entries), ("text/csv", String::schema())];
    Operation::query(id, summary)
        .describing(
            "Oldest first, `next` is never null: poll with it for what is new. As CSV, with `Accept: text/csv`, it has \
             all entries, and `limit` is refused.",
        )
        .parameters_of(|params| ListInput::read(domains, Format::Json, params))
        .answers_as(StatusCode::OK, "A page of the list", &forms, &["Jetbridge-Position"])
}

pub(crate) fn events(domains: &'static [&'static Domain]) -> Operation {
    feed("followAuditLog", "Follows what is recorded")
        .describing(
            "Server-sent events: the id of each is a cursor of the list of all entries, its data one entry. An id \
             without data says how far the stream has come. What keeps the stream from starting or going on is told in \
             it, by an event `problem` whose data is a problem, and ends it.",
        )
        .parameters_of(|params| EventsInput::read(params, |params| Filter::read_live(domains, params)))
}

pub(crate) fn changes(domains: &'static [&'static Domain]) -> Operation {
    feed("followChanges", "Follows what changes")
        .describing(
            "Server-sent events as those of the audit log, with the same cursors. Their data says what has changed, and \
             nothing else of it.",
        )
        .parameters_of(|params| EventsInput::read(params, |params| Filter::read_things(domains, params)))
}

fn feed(id: &'static str, summary: &'static str) -> Operation {
    let stream = [("text/event-stream", String::schema())];
    Operation::query(id, summary).header("Last-Event-ID").answers_as(
        StatusCode::OK,
        "The stream, which has no end",
        &stream,
        &["Jetbridge-Position"],
    )
}
