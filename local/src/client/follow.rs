//! Following the audit log: server-sent events, over as many connections as it takes.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use futures::StreamExt;
use http::{HeaderName, HeaderValue, header};
use shared_infrastructure::back_off::BackOff;
use shared_service::ErrorChain;
use sse_stream::SseStream;
use tokio::time::{sleep, timeout};
use url::form_urlencoded::Serializer;

use super::audit::Entry;
use super::connection::Call;
use super::failure::{Failure, Problem, Refusal};
use super::output;
use super::session::{Session, Shown};

const EVENTS: &str = "/api/auditlog/events";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The event that says why there are no others.
const PROBLEM: &str = "problem";
/// Without any sign of life for this long, of which there is one every ten seconds, a connection is broken.
const SILENCE: Duration = Duration::from_secs(45);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What is known of the log so far.
#[derive(Default)]
struct Followed {
    /// The cursor behind the last entry that was shown.
    last_id: Option<HeaderValue>,
    /// When the server wants to be asked again.
    retry: Option<Duration>,
}

/// Shows entries as they come, for ever. Once it has begun, it comes back after whatever breaks it.
///
/// # Errors
/// [`Failure`] if it cannot begin in time, or what is asked for has to be changed first.
pub(super) async fn follow(
    session: &Session,
    filters: &[(&str, Option<String>)],
    after: Option<&str>,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut query = Serializer::new(String::new());
    query.extend_pairs(filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    query.extend_pairs(after.map(|after| ("after", after)));
    let path = format!("{EVENTS}?{}", query.finish());
    let mut followed = Followed::default();
    let mut back_off = BackOff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let had = followed.last_id.clone();
        let failure = follow_once(session, &path, &mut followed).await;
        let has_begun = followed.last_id.is_some();
        if followed.last_id != had {
            back_off.reset();
        }
        let wanted = failure.retry_after().or(followed.retry.take()).unwrap_or_default();
        let pause = back_off.next_pause().max(wanted);
        let is_late = !has_begun && begin.elapsed() + pause > session.connection().retry_for();
        if !failure.is_temporary() || is_late {
            return Err(failure);
        }
        if back_off.taken() == 1 {
            output::say(&format!("note: {failure}\n  It goes on once there is a connection again."));
        }
        sleep(pause).await;
    }
}

/// Follows over one connection, until it breaks.
async fn follow_once(session: &Session, path: &str, followed: &mut Followed) -> Failure {
    let mut call = Call::get(path).with(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    if let Some(id) = &followed.last_id {
        call = call.with(LAST_EVENT_ID, id.clone());
    }
    let broken = |why: String| Failure::no_answer(call.name(), why);
    let response = match timeout(SILENCE, session.connection().open(&call)).await {
        Ok(Ok(response)) => response,
        Ok(Err(failure)) => return failure,
        Err(_elapsed) => return broken("nothing came for too long".to_owned()),
    };
    let mut events = SseStream::new(response.into_body());
    loop {
        let event = match timeout(SILENCE, events.next()).await {
            Ok(Some(Ok(event))) => event,
            Ok(Some(Err(error))) => return broken(ErrorChain(&error).to_string()),
            Ok(None) => return broken("the connection was closed".to_owned()),
            Err(_elapsed) => return broken("nothing came for too long".to_owned()),
        };
        if let Some(retry) = event.retry {
            followed.retry = Some(Duration::from_millis(retry));
        }
        let shown = match &event.data {
            Some(data) if event.event.as_deref() == Some(PROBLEM) => return told(data, followed.retry),
            Some(data) => show(session, data),
            None => Ok(()),
        };
        if let Err(failure) = shown {
            return failure;
        }
        // Only once it has been shown, so that it is not left out.
        if let Some(Ok(id)) = event.id.as_deref().map(HeaderValue::from_str) {
            followed.last_id = Some(id);
        }
    }
}

fn told(data: &str, retry: Option<Duration>) -> Failure {
    match serde_json::from_str::<Problem>(data) {
        Ok(problem) => Failure::Refused(Box::new(Refusal::told(problem, retry))),
        Err(error) => error.into(),
    }
}

fn show(session: &Session, data: &str) -> Result<(), Failure> {
    if session.is_for_programs() {
        return Ok(output::lines([Cow::Borrowed(data)])?);
    }
    let cells = serde_json::from_str::<Entry>(data)?.cells().map(|cell| output::visible(&cell));
    Ok(output::lines([Cow::Owned(cells.join("  "))])?)
}
