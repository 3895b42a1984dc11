//! What every request comes through, before anything looks at what it asks for.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::Quota;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use shared_kernel::ProblemType;
use shared_service::{OverTls, Problem, problem_type};
use shared_telemetry::table::HTTP_REFUSALS;

use crate::authentication::{Authentication, Unknown};
use crate::client::Client;
use crate::identity;
use crate::limits::Limits;
use crate::rate::{Allowance, RateLimit, Standing, TooMany};
use crate::sender::TrustedProxies;
use crate::traffic::{GATEWAY, GatewayTraffic};
use crate::visitor::{Visitor, Who};

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What watches over this process asks for. It is not counted: it has to get its answer whatever others do.
const HEALTH: &str = "/health/";
/// What of no use an address may show: as much at once, and as much a second. A constant: a zero would not compile.
const REFUSALS_AT_ONCE: NonZeroU32 = NonZeroU32::new(30).unwrap();
const REFUSALS_PER_SECOND: NonZeroU32 = NonZeroU32::MIN;

/// Knows who comes, and how much they may.
pub(crate) struct Door {
    authentication: Authentication,
    proxies: TrustedProxies,
    rate: RateLimit,
    refusals: Allowance,
    traffic: GatewayTraffic,
}

/// A request that may go on.
struct Admitted {
    standing: Option<Standing>,
    /// Why nobody knows who sends it, although they say so. Who asks for what is for everybody need not know.
    unknown: Option<Problem>,
}

impl Door {
    pub(crate) fn new(
        authentication: Authentication,
        proxies: TrustedProxies,
        limits: &Limits,
        traffic: GatewayTraffic,
    ) -> Self {
        let rates = limits.rates(authentication.is_none());
        Self {
            authentication,
            proxies,
            rate: RateLimit::per_second(rates, limits.requests_per_second_in_all),
            refusals: Allowance::of(Quota::per_second(REFUSALS_PER_SECOND).allow_burst(REFUSALS_AT_ONCE)),
            traffic,
        }
    }

    /// Finds out who sends a request and from where, takes away what it says about that, and counts it.
    async fn admit(&self, request: &mut Parts) -> Result<Admitted, Refusal> {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let sender = self.proxies.sender(peer, &request.headers)?;
        let is_over_tls = request.extensions.get::<OverTls>().is_some();
        let sender = if is_over_tls { sender.over_tls() } else { sender };
        let address = Client::from(sender.address);
        let (who, unknown) = match self.authentication.identify(request).await {
            Ok(who) => (who, None),
            Err(Unknown::Unclear(problem)) => (Who::Nobody, Some(problem)),
            Err(Unknown::Foreign(problem)) => return Err(problem.into()),
            Err(Unknown::Refused(problem)) => {
                // What is of use is never refused for what others on the same address show: nobody finds it by guessing.
                self.refusals.take(address).map_err(too_many_refusals)?;
                (Who::Nobody, Some(problem))
            }
        };
        identity::remove(&mut request.headers, self.authentication.is_none());
        let client = who.known().map_or(address, |known| Client::from(&known.principal.id));
        let is_counted = !request.uri.path().starts_with(HEALTH);
        let standing = if is_counted { self.rate.check(client)? } else { None };
        if let Some(caller) = who.caller() {
            request.extensions.insert(caller);
        }
        request.extensions.insert(Visitor { client, sender, who });
        Ok(Admitted { standing, unknown })
    }
}

/// A request that may not go on.
struct Refusal {
    problem: Problem,
    standing: Option<Standing>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, standing: None }
    }
}

impl From<TooMany> for Refusal {
    fn from(TooMany { wait, standing }: TooMany) -> Self {
        let limit = if standing.is_some() { "rate_of_client" } else { "rate" };
        HTTP_REFUSALS.of([GATEWAY, limit]).inc();
        Self { problem: Problem::of(problem_type::TOO_MANY_REQUESTS).retry_after(wait), standing }
    }
}

fn too_many_refusals(wait: Duration) -> Problem {
    HTTP_REFUSALS.of([GATEWAY, "identification"]).inc();
    let detail = "Too much that identifies nobody was sent from this address. Nothing was done.";
    Problem::too_many_requests(detail).retry_after(wait)
}

/// Lets a request in, or refuses it.
pub(crate) async fn enter(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let counted = door.traffic.begin(request.uri().path(), request.method());
    let response = let_in(&door, request, next).await;
    counted.ends(response.status());
    response
}

async fn let_in(door: &Door, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match door.admit(&mut parts).await {
        Ok(Admitted { standing, unknown }) => {
            let visitor = parts.extensions.get::<Visitor>();
            let principal = visitor.and_then(|visitor| visitor.who.known()).map(|known| Arc::clone(&known.principal));
            let response = next.run(Request::from_parts(parts, body)).await;
            let mut response = match unknown {
                Some(problem) if asks_who(&response) => problem.into_response(),
                _ => response,
            };
            tell(standing, response.headers_mut());
            if let Some(principal) = principal.filter(|_| response.extensions().get::<&'static ProblemType>().is_some())
            {
                response.extensions_mut().insert(principal.id.clone());
            }
            response
        }
        Err(Refusal { problem, standing }) => {
            let mut response = problem.into_response();
            tell(standing, response.headers_mut());
            response
        }
    }
}

/// Whether the answer is that one has to say who one is.
fn asks_who(response: &Response) -> bool {
    let kind = response.extensions().get::<&'static ProblemType>();
    kind.is_some_and(|kind| *kind == problem_type::AUTHENTICATION_REQUIRED)
}

/// Tells a client how it stands (draft-ietf-httpapi-ratelimit-headers).
fn tell(standing: Option<Standing>, headers: &mut HeaderMap) {
    let Some(Standing { quota, left }) = standing else { return };
    // What is left comes back within a second.
    let (limit, policy) = (format!("\"client\";r={left};t=1"), format!("\"client\";q={quota};w=1"));
    for (name, value) in [(RATE_LIMIT, limit), (RATE_LIMIT_POLICY, policy)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}
