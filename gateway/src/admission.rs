//! What a request has to get past before anything is done about it.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::HeaderMap;
use shared_service::body;
use shared_service::problem::Problem;
use shared_telemetry::table::{FEEDS as FEEDS_OPEN, HTTP_REFUSALS};
use shared_telemetry::{AtScrape, at_scrape};

use crate::client::Client;
use crate::limits::Limits;
use crate::places::{Full, Place, Places, Shares};
use crate::traffic::GATEWAY;

/// The bytes of request bodies that are held at a time, and how many of them may be of one client.
const BODY_BYTES: usize = 64 * 1024 * 1024;
const BODY_BYTES_PER_CLIENT: usize = 8 * 1024 * 1024;

/// Streams of server-sent events at a time: more than an audit log API opens.
const FEEDS: usize = 100_000;

/// What there is only so much of.
pub(crate) struct Admission {
    limits: Limits,
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
    /// With `for_all`, where nobody has to say who they are, every client is on this machine.
    pub(crate) fn new(limits: Limits, for_all: bool) -> Self {
        let shares = |set: Option<usize>, principal, address| match set {
            Some(share) => Shares::of(share),
            None if for_all => Shares::of(usize::MAX),
            None => Shares { principal, address, loopback: usize::MAX },
        };
        let in_flight = Limits::IN_FLIGHT_PER_CLIENT;
        let feeds = (Limits::FEEDS_PER_PRINCIPAL, Limits::FEEDS_PER_ADDRESS);
        Self {
            limits,
            in_flight: Places::new(limits.in_flight, shares(limits.in_flight_per_client, in_flight, in_flight)),
            bodies: Places::new(BODY_BYTES, shares(None, BODY_BYTES_PER_CLIENT, BODY_BYTES_PER_CLIENT)),
            feeds: Places::new(FEEDS, shares(limits.feeds_per_client, feeds.0, feeds.1)),
        }
    }

    /// Takes in the body of a request, before it takes any other place: as long as it takes its client to send it, it
    /// only takes room for bodies.
    pub(crate) async fn take_in(&self, client: Client, headers: &HeaderMap, body: Body) -> Result<TakenIn, Problem> {
        if body.is_end_stream() {
            return Ok(TakenIn { bytes: Bytes::new(), room: None });
        }
        // One that is too large takes nothing; it is refused.
        let size = usize::try_from(body::size_at_most(headers, &body)).unwrap_or(usize::MAX);
        let size = if size > body::MAX_BODY_BYTES { 0 } else { size };
        let room = self.bodies.take(client, size);
        let room = room.map_err(|full| refusal(full, "bodies of requests"))?;
        let bytes = body::read_within(headers, body, self.limits.body).await?;
        Ok(TakenIn { bytes, room: Some(room) })
    }

    /// Takes a place among the requests that wait for an answer.
    pub(crate) fn admit(&self, client: Client) -> Result<Place, Problem> {
        self.in_flight.take(client, 1).map_err(|full| refusal(full, "requests in flight"))
    }

    /// Measures how many streams are open, as long as what this gives is kept.
    pub(crate) fn measured(&self) -> AtScrape {
        let (open, feeds) = (FEEDS_OPEN.of([GATEWAY]), Arc::clone(&self.feeds));
        at_scrape(move || {
            open.set(feeds.taken() as f64);
            std::future::ready(())
        })
    }

    /// Takes a place among the streams of server-sent events.
    pub(crate) fn open_feed(&self, client: Client) -> Result<Place, Problem> {
        self.feeds.take(client, 1).map_err(|full| refusal(full, "live feeds"))
    }
}

/// As metrics call it.
fn limit(of: &str) -> String {
    of.replace(' ', "_")
}

fn refusal(full: Full, of: &str) -> Problem {
    match full {
        Full::ForClient => {
            HTTP_REFUSALS.of([GATEWAY, &format!("{}_of_client", limit(of))]).inc();
            let detail = format!("There are too many {of} of one client at the moment. Nothing was done.");
            Problem::too_many_requests(detail)
        }
        Full::InAll => {
            HTTP_REFUSALS.of([GATEWAY, &limit(of)]).inc();
            Problem::unavailable("Too many requests are being answered at the moment. Nothing was done.")
                .caused_by(format_args!("the limit of {of} is reached"))
        }
    }
}
