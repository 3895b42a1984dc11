use std::time::Duration;

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Value, json};
use shared_kernel::{Position, ProblemType, PublicKey, Revision, Stream, Text};
use shared_service::paging::Order;
use shared_service::{
    BodyRule, Command, CommandOn, Fields, FromFields, FromQuery, IfNoneMatch, Page, Paging, Params, PathId, Problem,
    Query, Reply, RequestedPosition, ServiceNames, parse,
};
use tower::ServiceExt;

const STREAM: Stream = Stream::new("box-stream", "f");

shared_kernel::id! {
    /// Identifies a box.
    BoxId
}

impl PublicKey for BoxId {
    const NOT_FOUND: &'static ProblemType = BOX_NOT_FOUND;
}

shared_kernel::problem_types! {
    BOX_NOT_FOUND = 404, "box-not-found", "Box not found", "There is no such box.", "Look elsewhere.";
    BOX_TAKEN = 409, "box-taken", "Box taken", "Somebody has taken the box.", "Take another.";
}

/// A service with one route of each kind.
pub(crate) fn app() -> Router {
    let routes = Router::new()
        .route("/things", post(create).get(list))
        .route("/things/{id}", get(read))
        .route("/things/{id}/poke", post(poke))
        .route("/things/{id}/drop", post(drop_thing))
        .route("/panic", get(panic))
        .route("/slow", get(slow).post(slow));
    shared_service::finish(routes.layer(Extension(ServiceNames::of(["box"]))), Duration::from_millis(500))
}

struct NewThing {
    name: Text<100>,
    box_id: BoxId,
    at: Option<(Timestamp, Offset)>,
}

impl FromFields for NewThing {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name", Text::new);
        let box_id = fields.required("boxId", parse::id);
        let at = fields.optional("at", parse::timestamp);
        Some(Self { name: name?, box_id: box_id?, at })
    }
}

async fn create(command: Command<NewThing>) -> Reply<Value> {
    let NewThing { name, box_id, at } = command.input;
    let idempotency = command.context.idempotency;
    let cause = command.context.cause;
    Reply::created(
        "/things/1",
        json!({
            "name": name.as_str(),
            "boxId": box_id,
            "at": at.map(|(at, _)| at),
            "offsetSeconds": at.map(|(_, offset)| offset.seconds()),
            "commandId": command.context.command_id,
            "key": idempotency.as_ref().map(|idempotency| idempotency.key.as_str()),
            "fingerprint": idempotency.as_ref().map(|idempotency| idempotency.fingerprint.as_str()),
            "otherFingerprints": idempotency.as_ref().map(|idempotency| idempotency.other_fingerprints.as_slice()),
            "correlationId": cause.correlation_id,
            "actor": cause.actor,
            "subject": cause.subject,
            "traceParent": cause.trace_parent,
        }),
    )
    .revision(Revision(7))
    .position(Position::at(STREAM, Some(Revision(7))))
}

/// Says which of the first twenty versions the command is meant for, if not for any.
async fn poke(on: CommandOn<BoxId>) -> Reply<Value> {
    let meant_for = on.if_version.map(|wanted| {
        let versions = (0..20).filter(|version| wanted.is_met_by(Revision(*version)));
        versions.collect::<Vec<_>>()
    });
    let fingerprint = on.context.idempotency.map(|idempotency| idempotency.fingerprint);
    Reply::ok(json!({ "id": on.id, "meantFor": meant_for, "fingerprint": fingerprint }))
}

struct Drop(Option<Text<20>>);

impl FromFields for Drop {
    const BODY: BodyRule = BodyRule::Optional;

    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(fields.optional("reason", Text::new)))
    }
}

async fn drop_thing(command: Command<Drop>) -> Reply<Value> {
    Reply::ok(json!({ "reason": command.input.0 }))
}

async fn read(PathId(id): PathId<BoxId>, wanted: RequestedPosition, known: IfNoneMatch) -> Reply<Value> {
    Reply::ok(json!({ "id": id, "wanted": wanted.0.map(|position| position.to_string()) }))
        .unless_known(Revision(7), &known)
}

struct Filter {
    status: Option<Text<10>>,
    numbers: Option<Vec<usize>>,
    page: Paging<u64>,
}

impl FromQuery for Filter {
    fn read(params: &mut Params) -> Option<Self> {
        let status = params.optional("status", Text::new);
        let numbers =
            params.optional("numbers", |text| parse::list(text, |number| parse::whole_number(number, 0..=249)));
        let page = params.paging();
        Some(Self { status, numbers, page: page? })
    }
}

/// The numbers from 0 to 249.
async fn list(Query(filter): Query<Filter>) -> Reply<Page<u64>> {
    if filter.status.is_some() {
        return Reply::ok(Page { items: Vec::new(), next: None });
    }
    let Paging { order, limit, after } = filter.page;
    let mut numbers: Vec<u64> = match filter.numbers {
        Some(numbers) => numbers.into_iter().map(|number| number as u64).collect(),
        None => (0..250).collect(),
    };
    if order == Order::NewestFirst {
        numbers.reverse();
    }
    let found = numbers.into_iter().filter(|number| match order {
        Order::OldestFirst => Some(*number) > after,
        Order::NewestFirst => after.is_none_or(|after| *number < after),
    });
    Reply::ok(Page::from_surplus(found.take(limit + 1).collect(), &filter.page, |last| *last))
}

async fn panic() -> Result<(), Problem> {
    panic!("on purpose")
}

async fn slow() {
    std::future::pending::<()>().await;
}

pub(crate) const ID: &str = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b";

/// An answer, with its body as JSON if it is.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, slug: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.body["type"], format!("/problems/{slug}"), "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{self:?}");
        assert!(self.body["title"].is_string() && self.body["detail"].is_string(), "{self:?}");
    }

    /// 422 with exactly these faults, each "place detail".
    #[track_caller]
    pub(crate) fn assert_faults(&self, expected: &[&str]) {
        self.assert_problem(422, "invalid-request");
        let errors = self.body["errors"].as_array().expect("errors");
        let mut found: Vec<String> = errors
            .iter()
            .map(|error| {
                let place = error["pointer"].as_str().or(error["parameter"].as_str()).expect("a place");
                format!("{place} {}", error["detail"].as_str().expect("a detail"))
            })
            .collect();
        let mut expected: Vec<String> = expected.iter().map(|&fault| fault.to_owned()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}

pub(crate) async fn send(request: Request<Body>) -> Answer {
    let response = app().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get_path(path: &str) -> Answer {
    send(Request::get(path).body(Body::empty()).expect("a request")).await
}

pub(crate) async fn post_json(path: &str, body: impl Into<Body>) -> Answer {
    post_with(path, &[("content-type", "application/json")], body).await
}

pub(crate) async fn post_with(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request.body(body.into()).expect("a request")).await
}
