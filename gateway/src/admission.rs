//! What a request has to get past before anything is done about it.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{Extensions, HeaderMap};
use shared_service::body;
use shared_service::problem::Problem;
use shared_service::problem_type;

use crate::client::Client;
use crate::config::Limits;
use crate::places::{Full, Place, Places, Share};
use crate::rate::RateLimit;

/// The bytes of request bodies that are held at a time, and how many of them may be of one client.
const BODY_BYTES: usize = 64 * 1024 * 1024;
const BODY_BYTES_PER_CLIENT: usize = 8 * 1024 * 1024;

/// Streams of server-sent events at a time: more than an audit log API opens.
const FEEDS: usize = 100_000;

/// What there is only so much of.
pub(crate) struct Admission {
    limits: Limits,
    rate: RateLimit,
    in_flight: Arc<Places>,
    bodies: Arc<Places>,
    feeds: Arc<Places>,
}

/// A request body that has arrived, and the room that it takes.
pub(crate) struct TakenIn {
    pub(crate) bytes: Bytes,
    pub(crate) room: Option<Place>,
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        let share = |set: Option<usize>, unless_set| set.map_or(Share::UnlessLoopback(unless_set), Share::Of);
        Self {
            limits,
            rate: RateLimit::per_second(limits.requests_per_second, limits.requests_per_second_in_all),
            in_flight: Places::new(limits.in_flight, share(limits.in_flight_per_client, Limits::IN_FLIGHT_PER_CLIENT)),
            bodies: Places::new(BODY_BYTES, Share::UnlessLoopback(BODY_BYTES_PER_CLIENT)),
            feeds: Places::new(FEEDS, share(limits.feeds_per_client, Limits::FEEDS_PER_CLIENT)),
        }
    }

    /// Counts a request against what its client may send.
    pub(crate) fn check_rate(&self, extensions: &Extensions) -> Result<(), Problem> {
        let checked = self.rate.check(Client::of(extensions));
        checked.map_err(|wait| Problem::of(problem_type::TOO_MANY_REQUESTS).retry_after(wait))
    }

    /// Takes in the body of a request, before it takes any other place: as long as it takes its client to send it, it
    /// only takes room for bodies.
    pub(crate) async fn take_in(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<TakenIn, Problem> {
        if body.is_end_stream() {
            return Ok(TakenIn { bytes: Bytes::new(), room: None });
        }
        // One that is too large takes nothing; it is refused.
        let size = usize::try_from(body::size_at_most(headers, &body)).unwrap_or(usize::MAX);
        let size = if size > body::MAX_BODY_BYTES { 0 } else { size };
        let room = self.bodies.take(Client::of(extensions), size);
        let room = room.map_err(|full| refusal(full, "bodies of requests"))?;
        let bytes = body::read_within(headers, body, self.limits.body).await?;
        Ok(TakenIn { bytes, room: Some(room) })
    }

    /// Takes a place among the requests that wait for an answer.
    pub(crate) fn admit(&self, extensions: &Extensions) -> Result<Place, Problem> {
        self.in_flight.take(Client::of(extensions), 1).map_err(|full| refusal(full, "requests in flight"))
    }

    /// Takes a place among the streams of server-sent events.
    pub(crate) fn open_feed(&self, client: Client) -> Result<Place, Problem> {
        self.feeds.take(client, 1).map_err(|full| refusal(full, "live feeds"))
    }
}

fn refusal(full: Full, of: &str) -> Problem {
    match full {
        Full::ForClient => {
            let detail = format!("There are too many {of} from this address at the moment. Nothing was done.");
            Problem::too_many_requests(detail)
        }
        Full::InAll => Problem::unavailable("Too many requests are being answered at the moment. Nothing was done.")
            .caused_by(format_args!("the limit of {of} is reached")),
    }
}
