//! Rebuilds of the read models of all domains, which their processors carry out.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared_kernel::{Described, Schema, Text};
use shared_service::problem::{FaultPlace, InvalidPart};
use shared_service::{Command, Fields, FromFields, Problem, Routes};

use super::ask::{Answer, Question, Unanswered};
use super::{OPERATORS, Unreachable, refused, unavailable};
use crate::forward::Forwarder;
use crate::operations;
use crate::visitor::Visitor;

/// The path at a processor.
const PATH: &str = "/rebuild";

pub(super) fn routes() -> Routes<Arc<Forwarder>> {
    Routes::new()
        .get("/api/admin/rebuild", OPERATORS, list)
        .about(operations::rebuilds())
        .post("/api/admin/rebuild", OPERATORS, ask)
        .about(operations::rebuild())
}

#[derive(Default, Serialize)]
struct Rebuilds {
    rebuilds: Vec<Map<String, Value>>,
    /// The domains whose processors could not be asked, and why.
    unreachable: Vec<Unreachable>,
}

/// The last rebuild of each read model that ever had one. It is a problem if no processor could be asked.
async fn list(
    State(forwarder): State<Arc<Forwarder>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    let _place = forwarder.admit(visitor.client)?;
    let question = Question::get(PATH.to_owned(), &visitor);
    let (upstreams, limit) = (forwarder.upstreams(), forwarder.answer_limit());
    let asked = upstreams.processors().iter().map(|processor| question.ask(upstreams, processor, limit));
    let mut all = Rebuilds::default();
    for (processor, answer) in upstreams.processors().iter().zip(join_all(asked).await) {
        match answer.map_err(|reason| reason.to_string()).and_then(|answer| rebuilds(&answer)) {
            Ok(rebuilds) => all.rebuilds.extend(rebuilds),
            Err(detail) => all.unreachable.push(Unreachable { domain: processor.domain.name, detail }),
        }
    }
    if all.unreachable.len() == upstreams.processors().len() {
        return Err(unavailable(&all.unreachable));
    }
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(all)).into_response())
}

fn rebuilds(answer: &Answer) -> Result<Vec<Map<String, Value>>, String> {
    #[derive(Deserialize)]
    struct OfProcessor {
        rebuilds: Vec<Map<String, Value>>,
    }
    if answer.status != StatusCode::OK {
        return Err(answer.detail());
    }
    let read = serde_json::from_slice(&answer.body).map(|OfProcessor { rebuilds }| rebuilds);
    read.map_err(|_| Unanswered::Unclear.to_string())
}

/// The name of a read model. Which there are depends on the services behind the gateway.
struct ReadModelName(Text<50>);

impl Described for ReadModelName {
    fn schema() -> Schema {
        let mut schema = Text::<50>::schema();
        schema["format"] = "read-model".into();
        schema
    }
}

/// Which read model is to be rebuilt.
pub(crate) struct Which {
    read_model: ReadModelName,
}

impl FromFields for Which {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { read_model: fields.required("readModel", |name| Text::new(name).map(ReadModelName))? })
    }
}

/// Asks the processor of the domain whose read model it is.
async fn ask(
    State(forwarder): State<Arc<Forwarder>>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let _place = forwarder.admit(visitor.client)?;
    let headers = request.headers().clone();
    let Command { input: Which { read_model: ReadModelName(read_model) }, .. } =
        Command::from_request(request, &()).await?;
    let processors = forwarder.upstreams().processors();
    let Some(processor) = processors.iter().find(|one| one.domain.list() == read_model.as_str()) else {
        let known = processors.iter().map(|one| format!("{:?}", one.domain.list())).collect::<Vec<_>>().join(" or ");
        let place = FaultPlace::Pointer("/readModel".to_owned());
        return Err(Problem::invalid_request(vec![InvalidPart { place, detail: format!("must be {known}") }]));
    };
    let question = Question::post(PATH.to_owned(), &headers, &visitor, Bytes::new());
    let domain = processor.domain.name;
    match question.ask(forwarder.upstreams(), processor, forwarder.answer_limit()).await {
        Ok(answer) if answer.status == StatusCode::ACCEPTED => {
            let json = HeaderValue::from_static("application/json");
            Ok((StatusCode::ACCEPTED, [(header::CONTENT_TYPE, json)], answer.body).into_response())
        }
        Ok(answer) if answer.status.is_client_error() => Ok(refused(answer)),
        Ok(answer) => Err(unavailable(&[Unreachable { domain, detail: answer.detail() }])),
        Err(Unanswered::Late | Unanswered::Unclear) => {
            Err(Problem::outcome_unknown().caused_by(format!("{domain}: no answer to a rebuild")))
        }
        Err(reason) => Err(unavailable(&[Unreachable { domain, detail: reason.to_string() }])),
    }
}
