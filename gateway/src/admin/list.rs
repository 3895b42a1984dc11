//! Lists that the processors of all domains have together.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared_service::paging::{InvalidCursor, decode_cursor, encode_cursor};
use shared_service::problem::{FaultPlace, InvalidPart};
use shared_service::{FromQuery, Params, Problem, Query};
use tokio::time::{Instant, timeout_at};

use super::ask::{Answer, Question, Unanswered};
use super::{Unreachable, of_domain, unavailable};
use crate::forward::Forwarder;
use crate::upstream::Processor;
use crate::visitor::Visitor;

/// How long each processor may take for its part of a list.
const LIMIT: Duration = Duration::from_secs(5);

/// How long the other instances may take once one has answered.
const GRACE: Duration = Duration::from_secs(1);

/// Which instance of a processor knows a list.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    /// Each: it is in the database.
    ToAll,
    /// The one that leads, which says so. The others know a part of it.
    ToLeader,
}

/// The part of a list that is asked for.
pub(crate) struct Asked {
    limit: usize,
    after: Option<Place>,
}

/// A place in the list of all domains: in that of this one, after what its own processor calls so.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    domain: String,
    after: Option<String>,
}

impl FromQuery for Asked {
    fn read(params: &mut Params) -> Option<Self> {
        let limit = params.limit();
        let after = params.cursor("after", decode_cursor);
        Some(Self { limit: limit?, after: after? })
    }
}

/// What the processors say together.
#[derive(Default, Serialize)]
struct List {
    /// Each with its `domain`.
    items: Vec<Map<String, Value>>,
    next: Option<String>,
    /// How many there are in the domains that could be asked.
    total: u64,
    /// The domains whose processors could not be asked, and why. What they have, or some of it, is missing in the list.
    unreachable: Vec<Unreachable>,
}

/// What one processor says.
#[derive(Deserialize)]
struct Part {
    items: Vec<Map<String, Value>>,
    next: Option<String>,
    total: u64,
    /// Whether it is from the instance that leads.
    #[serde(default)]
    leads: bool,
}

/// What the processors of all domains list at this path of theirs.
pub(super) fn list_of(
    path: &'static str,
    known: Known,
) -> impl Fn(Forwarders, Query<Asked>, Extension<Visitor>) -> Listed + Clone {
    move |State(forwarder), Query(asked), Extension(visitor)| {
        async move { list(&forwarder, (path, known), asked, &visitor).await }.boxed()
    }
}

type Forwarders = State<Arc<Forwarder>>;
type Listed = BoxFuture<'static, Result<Response, Problem>>;

/// One domain after the other. Those that come before or after the page are asked too: how many they have.
async fn list(
    forwarder: &Forwarder,
    (path, known): (&'static str, Known),
    Asked { limit, after }: Asked,
    visitor: &Visitor,
) -> Result<Response, Problem> {
    let _slot = forwarder.admit(visitor.client)?;
    let processors = forwarder.upstreams().processors();
    let beginning = after.as_ref().map(|place| processors.iter().position(|one| one.domain.name == place.domain));
    let first = beginning.unwrap_or(Some(0)).ok_or_else(not_a_cursor)?;
    let (mut list, mut has_answer) = (List::default(), false);
    for (at, processor) in processors.iter().enumerate() {
        let domain = processor.domain.name;
        let room = if at < first || list.next.is_some() { 0 } else { limit - list.items.len() };
        let after = after.as_ref().filter(|_| at == first).and_then(|place| place.after.as_deref());
        // A cursor is in the alphabet of URLs.
        let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
        let question = Question::get(format!("{path}?limit={}{after}", room.max(1)), visitor);
        let part = match known {
            Known::ToAll => part(forwarder, processor, &question).await.map(|part| (part, None)),
            Known::ToLeader => part_of_leader(forwarder, processor, &question).await,
        };
        match part {
            Ok((part, lacking)) => {
                has_answer = true;
                list.unreachable.extend(lacking.map(|detail| Unreachable { domain, detail }));
                list.total += part.total;
                if at >= first && list.next.is_none() {
                    list.take(domain, part, room, limit);
                }
            }
            Err(detail) => list.unreachable.push(Unreachable { domain, detail }),
        }
    }
    if !has_answer {
        return Err(unavailable(&list.unreachable));
    }
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((no_store, Json(list)).into_response())
}

fn not_a_cursor() -> Problem {
    let place = FaultPlace::Parameter("after".to_owned());
    Problem::invalid_request(vec![InvalidPart { place, detail: InvalidCursor.to_string() }])
}

impl List {
    /// Takes what a domain has for the page, or, if there is no room for it, that there is more.
    fn take(&mut self, domain: &'static str, part: Part, room: usize, limit: usize) {
        let place = |after| Some(encode_cursor(&Place { domain: domain.to_owned(), after }));
        if room == 0 {
            self.next = if part.items.is_empty() { None } else { place(None) };
            return;
        }
        self.items.extend(part.items.into_iter().map(|item| of_domain(domain, item)));
        self.items.truncate(limit);
        self.next = part.next.and_then(|next| place(Some(next)));
    }
}

async fn part(forwarder: &Forwarder, processor: &Processor, question: &Question) -> Result<Part, String> {
    let answer = question.ask(forwarder.upstreams(), processor, LIMIT).await.map_err(|reason| reason.to_string())?;
    read(&answer)
}

fn read(answer: &Answer) -> Result<Part, String> {
    if answer.status != StatusCode::OK {
        return Err(answer.detail());
    }
    serde_json::from_slice(&answer.body).map_err(|_| Unanswered::Unclear.to_string())
}

/// The part of the instance that leads; if none says that it does, the largest, and what may be missing in it.
async fn part_of_leader(
    forwarder: &Forwarder,
    processor: &Processor,
    question: &Question,
) -> Result<(Part, Option<String>), String> {
    let asked = question.ask_each(forwarder.upstreams(), processor).map_err(|reason| reason.to_string())?;
    let mut asked = pin!(asked);
    let (mut best, mut failure, mut until) = (None::<Part>, None, Instant::now() + LIMIT);
    loop {
        let answer = match timeout_at(until, asked.next()).await {
            Ok(None) => break,
            Ok(Some(answer)) => answer.map_err(|reason| reason.to_string()).and_then(|answer| read(&answer)),
            Err(_) => {
                failure = Some(Unanswered::Late.to_string());
                break;
            }
        };
        match answer {
            Ok(part) if part.leads => return Ok((part, None)),
            Ok(part) => {
                until = until.min(Instant::now() + GRACE);
                // One that does not lead has less than one of a version that does not say whether it does.
                best = best.into_iter().chain([part]).max_by_key(|part| part.total);
            }
            Err(reason) => failure = Some(reason),
        }
    }
    let lacking = |reason| format!("what only the instance that leads knows is missing: {reason}");
    match best {
        Some(part) => Ok((part, failure.map(lacking))),
        None => Err(failure.unwrap_or_else(|| Unanswered::Unreachable.to_string())),
    }
}
