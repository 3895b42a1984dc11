//! What clients are told about the gateway's own routes.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use shared_access::Role;
use shared_kernel::{Described, Schema, Text};
use shared_service::openapi::{Operation, Thing};
use shared_service::{EventId, Fields, FromFields, problem_type};

use crate::admin::list::Asked;
use crate::admin::rebuild::Which;

pub(crate) fn health() -> Operation {
    let status = json!({"type": "string", "enum": ["up", "degraded", "down"]});
    let check = json!({
        "type": "object",
        "properties": {"name": String::schema(), "status": status, "detail": String::schema()},
        "required": ["name", "status"],
    });
    let instance = json!({
        "type": "object",
        "properties": {
            "address": String::schema(), "status": status, "detail": String::schema(),
            "inUse": {"type": "boolean", "description": "Whether requests go to it"},
            "checks": {"type": "array", "items": check},
        },
        "required": ["address", "status", "inUse"],
    });
    let service = json!({
        "type": "object",
        "properties": {
            "name": String::schema(), "status": status, "detail": String::schema(),
            "checks": {"type": "array", "items": check},
            "instances": {"type": "array", "items": instance, "description": "If there are several"},
        },
        "required": ["name", "status"],
    });
    let health = json!({
        "title": "Health",
        "description": "How all services are",
        "type": "object",
        "properties": {
            "status": status,
            "reasons": {"type": "array", "items": String::schema(), "description": "Why it is not up"},
            "services": {"type": "array", "items": service},
        },
        "required": ["status"],
    });
    Operation::plain("showHealth", "Shows how all services are")
        .answers(StatusCode::OK, "Something works: read `status`", health.clone(), &[])
        .answers(StatusCode::SERVICE_UNAVAILABLE, "Nothing works", health, &[])
}

pub(crate) fn openapi() -> Operation {
    Operation::plain("showApi", "Shows this document").answers(
        StatusCode::OK,
        "A document of OpenAPI 3.1",
        json!({"type": "object"}),
        &[],
    )
}

/// Something that a processor says, with its `domain`. What else is in it is for people.
fn item() -> Schema {
    json!({"type": "object", "properties": {"domain": String::schema()}, "required": ["domain"]})
}

fn list(id: &'static str, summary: &'static str) -> Operation {
    let unreachable = json!({
        "type": "object",
        "properties": {"domain": String::schema(), "detail": String::schema()},
        "required": ["domain", "detail"],
        "additionalProperties": false,
    });
    let page = json!({
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": item()},
            "next": Option::<String>::schema(),
            "total": u64::schema(),
            "unreachable": {"type": "array", "items": unreachable},
        },
        "required": ["items", "next", "total", "unreachable"],
        "additionalProperties": false,
    });
    Operation::plain(id, summary).parameters::<Asked>().answers(
        StatusCode::OK,
        "A page of the list, the domains one after the other",
        page,
        &[],
    )
}

pub(crate) fn parked() -> Operation {
    list("listParkedEvents", "Lists parked events")
}

pub(crate) fn parked_event() -> Operation {
    let event = json!({
        "type": "object",
        "properties": {
            "domain": String::schema(),
            "reason": String::schema(),
            "created": Timestamp::schema(),
            "data": {"description": "What is stored, as a text if it is no JSON"},
            "metadata": {"description": "The same"},
        },
        "required": ["domain", "reason", "created", "data", "metadata"],
    });
    Operation::plain("showParkedEvent", "Shows a parked event with what is stored of it")
        .on::<EventId>(Thing::Plain)
        .answers(StatusCode::OK, "The event", event, &[])
}

pub(crate) fn discarded() -> Operation {
    list("listDiscardedEvents", "Lists events that were taken out")
}

pub(crate) fn unfinished() -> Operation {
    list("listUnfinishedBusiness", "Lists what is unfinished between the domains")
}

pub(crate) fn me() -> Operation {
    let me = json!({
        "title": "Me",
        "description": "Who one is",
        "type": "object",
        "properties": {
            "subject": Option::<String>::schema(),
            "name": Option::<String>::schema(),
            "roles": Vec::<Role>::schema(),
            "until": Option::<Timestamp>::schema(),
            "authentication": Vec::<String>::schema(),
            "signIn": Vec::<String>::schema(),
        },
        "required": ["subject", "name", "roles", "until", "authentication", "signIn"],
        "additionalProperties": false,
    });
    Operation::plain("showMe", "Shows who one is").answers(StatusCode::OK, "Somebody, or nobody", me, &[])
}

pub(crate) fn replay() -> Operation {
    let readers = json!({"type": "array", "items": item()});
    Operation::plain("replayParkedEvents", "Processes parked events again")
        .refused_with(&[problem_type::OUTCOME_UNKNOWN])
        .answers(StatusCode::OK, "What each reader has done, or why it has not", readers, &[])
}

/// Why an event is taken out.
struct Discard;

impl FromFields for Discard {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("reason", Text::<500>::new).map(|_| Self)
    }
}

pub(crate) fn discard() -> Operation {
    let items = json!({
        "type": "object",
        "properties": {"items": {"type": "array", "items": item()}},
        "required": ["items"],
        "additionalProperties": false,
    });
    Operation::command::<Discard>(
        "discardParkedEvent",
        "Takes a parked event out for good",
        &json!({"reason": "a test"}),
    )
    .on::<EventId>(Thing::Plain)
    .answers(StatusCode::OK, "What was taken out, for each reader that had parked it", items, &[])
}

pub(crate) fn resume() -> Operation {
    let body = json!({
        "type": "object",
        "properties": {"from": {"type": "string", "enum": ["beginning", "end"]}},
        "required": ["from"],
        "additionalProperties": false,
    });
    let domains = json!({"type": "array", "items": item()});
    Operation::plain("resumeReactions", "Lets reactions go on after the event store was replaced")
        .body_of(false, body, &json!({"from": "beginning"}))
        .refused_with(&[problem_type::MALFORMED_JSON, problem_type::REQUEST_TIMEOUT, problem_type::CONTENT_TOO_LARGE])
        .refused_with(&[problem_type::UNSUPPORTED_MEDIA_TYPE, problem_type::OUTCOME_UNKNOWN])
        .answers(StatusCode::OK, "Which domains have resumed, or why not", domains, &[])
}

/// The last rebuild of a read model.
fn a_rebuild() -> Schema {
    json!({
        "title": "Rebuild",
        "description": "The last rebuild of a read model",
        "type": "object",
        "properties": {
            "readModel": String::schema(),
            "status": {"type": "string", "enum": ["running", "done", "failed"]},
            "events": u64::schema(),
            "of": u64::schema(),
            "secondsLeft": Option::<u64>::schema(),
            "reason": String::schema(),
            "askedBy": String::schema(),
            "askedAt": Timestamp::schema(),
            "endedAt": Option::<Timestamp>::schema(),
        },
        "required": ["readModel", "status", "events", "of", "secondsLeft", "askedBy", "askedAt", "endedAt"],
    })
}

pub(crate) fn rebuilds() -> Operation {
    let all = json!({
        "type": "object",
        "properties": {
            "rebuilds": {"type": "array", "items": a_rebuild()},
            "unreachable": {"type": "array", "items": item()},
        },
        "required": ["rebuilds", "unreachable"],
        "additionalProperties": false,
    });
    Operation::plain("listRebuilds", "Lists the last rebuild of each read model").answers(
        StatusCode::OK,
        "Of those that ever had one",
        all,
        &[],
    )
}

pub(crate) fn rebuild() -> Operation {
    Operation::command::<Which>(
        "rebuildReadModel",
        "Rebuilds a read model, beside the one that is shown",
        &json!({"readModel": "flights"}),
    )
    .refused_with(&[problem_type::REBUILD_RUNNING])
    .answers(StatusCode::ACCEPTED, "It is rebuilt", a_rebuild(), &[])
}

/// What the services log, as `GET` and `PUT` answer it.
fn of_services() -> Schema {
    let of_service = json!({
        "type": "object",
        "properties": {
            "service": String::schema(),
            "instance": Option::<String>::schema(),
            "filter": String::schema(),
            "detail": String::schema(),
        },
        "required": ["service", "instance"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {"services": {"type": "array", "items": of_service}},
        "required": ["services"],
        "additionalProperties": false,
    })
}

pub(crate) fn log_filters() -> Operation {
    Operation::plain("showLogFilters", "Shows what each service logs").answers(
        StatusCode::OK,
        "The filter of each instance, or why it is not known",
        of_services(),
        &[],
    )
}

pub(crate) fn set_log_filter() -> Operation {
    let body = json!({
        "type": "object",
        "properties": {"filter": {"type": "string", "maxLength": 1000, "format": "log-filter"}},
        "required": ["filter"],
        "additionalProperties": false,
    });
    Operation::plain("setLogFilter", "Lets every service log something else until it ends")
        .body_of(true, body, &json!({"filter": "info,shared_infrastructure=debug"}))
        .refused_with(&[problem_type::MALFORMED_JSON, problem_type::REQUEST_TIMEOUT, problem_type::CONTENT_TOO_LARGE])
        .refused_with(&[problem_type::UNSUPPORTED_MEDIA_TYPE, problem_type::INVALID_REQUEST])
        .answers(StatusCode::OK, "The filter of each instance, or why it is not known", of_services(), &[])
}

/// What an instance says of its process, beside something else.
fn of_process(mut properties: Schema) -> Schema {
    let own = [("process", String::schema()), ("version", String::schema()), ("startedAt", Timestamp::schema())];
    for (name, schema) in own {
        properties[name] = schema;
    }
    properties
}

pub(crate) fn numbers() -> Operation {
    let series = json!({
        "type": "object",
        "properties": {
            "metric": String::schema(),
            "of": String::schema(),
            "values": {"type": "array", "items": {"type": ["number", "null"]}},
        },
        "required": ["metric", "of", "values"],
        "additionalProperties": false,
    });
    let properties = of_process(json!({
        "address": Option::<String>::schema(),
        "inUse": {"type": "boolean", "description": "Whether requests go to it"},
        "leftOut": {"type": "boolean", "description": "Whether that is because requests to it have failed"},
        "since": Option::<Timestamp>::schema(),
        "ejections": u64::schema(),
        "ages": {"type": "array", "items": {"type": "number"}, "description": "Of the samples, in seconds"},
        "series": {"type": "array", "items": series},
        "detail": String::schema(),
    }));
    let instance = json!({
        "type": "object",
        "properties": properties,
        "required": ["address", "inUse", "leftOut", "since", "ejections"],
    });
    let service = json!({
        "type": "object",
        "properties": {"service": String::schema(), "instances": {"type": "array", "items": instance}},
        "required": ["service", "instances"],
        "additionalProperties": false,
    });
    let all = json!({
        "type": "object",
        "properties": {"services": {"type": "array", "items": service}},
        "required": ["services"],
        "additionalProperties": false,
    });
    Operation::plain("showNumbers", "Shows what each instance has measured in the last 15 minutes").answers(
        StatusCode::OK,
        "What each instance says, or why it says nothing",
        all,
        &[],
    )
}

pub(crate) fn configuration() -> Operation {
    let setting = json!({
        "type": "object",
        "properties": {
            "name": String::schema(),
            "value": Option::<String>::schema(),
            "source": {"type": ["string", "null"], "enum": ["default", "variable", "commandLine", null]},
        },
        "required": ["name", "value", "source"],
        "additionalProperties": false,
    });
    let place = json!({"service": String::schema(), "address": Option::<String>::schema()});
    let instance = json!({"type": "object", "properties": place, "required": ["service", "address"]});
    let mut not_told = instance.clone();
    not_told["properties"]["detail"] = String::schema();
    let process = json!({
        "type": "object",
        "properties": of_process(json!({
            "instances": {"type": "array", "items": instance},
            "settings": {"type": "array", "items": setting},
        })),
        "required": ["process", "version", "startedAt", "instances", "settings"],
    });
    let all = json!({
        "type": "object",
        "properties": {
            "processes": {"type": "array", "items": process},
            "unreachable": {"type": "array", "items": not_told},
        },
        "required": ["processes", "unreachable"],
        "additionalProperties": false,
    });
    Operation::plain("showConfiguration", "Shows how each process is set, without secrets").answers(
        StatusCode::OK,
        "The settings of each process",
        all,
        &[],
    )
}
