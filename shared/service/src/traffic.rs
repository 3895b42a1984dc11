//! Counts what a service answers, and measures how long that takes.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::{Method, StatusCode};
use shared_telemetry::table::{HTTP_ACTIVE, HTTP_DURATION, HTTP_REQUESTS};
use shared_telemetry::{Counter, Gauge, Histogram};

/// What is told apart of methods; the last stands for all others.
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "HEAD", "other"];
/// The status of a request whose client has left, as proxies have it.
const CLIENT_LEFT: u16 = 499;
/// What is told apart of statuses, in order; any other counts as the first of its hundred.
const STATUSES: [u16; 36] = [
    100,
    101,
    200,
    201,
    202,
    204,
    206,
    300,
    301,
    302,
    303,
    304,
    307,
    308,
    400,
    401,
    403,
    404,
    405,
    406,
    409,
    411,
    412,
    413,
    415,
    417,
    422,
    428,
    429,
    CLIENT_LEFT,
    500,
    501,
    502,
    503,
    504,
    505,
];
/// The route of what is for none.
const NONE: &str = "none";

/// What a service answers, by its routes.
#[derive(Debug)]
pub struct Traffic {
    active: Gauge,
    routes: HashMap<String, Route>,
    none: Route,
}

#[derive(Debug)]
struct Route {
    service: Arc<str>,
    name: String,
    methods: [OnceLock<Answers>; METHODS.len()],
}

/// The answers to one method of a route.
#[derive(Debug)]
struct Answers {
    duration: Histogram,
    by_status: [OnceLock<Counter>; STATUSES.len()],
}

impl Traffic {
    /// That of a service with these routes, such as `/api/bags/{id}`. There are not more of them than it has.
    pub fn of(service: &str, routes: impl IntoIterator<Item = String>) -> Self {
        let service: Arc<str> = service.into();
        let route = |name: String| Route { service: Arc::clone(&service), name, methods: Default::default() };
        Self {
            active: HTTP_ACTIVE.of([&service]),
            routes: routes.into_iter().map(|name| (name.clone(), route(name))).collect(),
            none: route(NONE.to_owned()),
        }
    }

    /// A request begins to be answered. `None` is for one without a route.
    #[must_use]
    pub fn begin<'a>(&'a self, route: Option<&str>, method: &Method) -> Answering<'a> {
        self.active.inc();
        let route = route.and_then(|route| self.routes.get(route)).unwrap_or(&self.none);
        Answering { traffic: self, route, method: number_of(method), begun: Instant::now(), status: CLIENT_LEFT }
    }
}

/// A request that is being answered. If this is dropped before the answer is there, its client has left.
#[derive(Debug)]
pub struct Answering<'a> {
    traffic: &'a Traffic,
    route: &'a Route,
    method: usize,
    begun: Instant,
    status: u16,
}

impl Answering<'_> {
    /// The answer begins.
    pub fn ends(mut self, status: StatusCode) {
        self.status = status.as_u16();
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.traffic.active.dec();
        self.route.count(self.method, self.status, self.begun.elapsed().as_secs_f64());
    }
}

impl Route {
    fn count(&self, method: usize, status: u16, seconds: f64) {
        let (Some(answers), Some(method)) = (self.methods.get(method), METHODS.get(method)) else { return };
        let answers = answers.get_or_init(|| Answers {
            duration: HTTP_DURATION.of([&self.service, method, &self.name]),
            by_status: [const { OnceLock::new() }; STATUSES.len()],
        });
        answers.duration.observe(seconds);
        let known = STATUSES.binary_search(&status).or_else(|_| STATUSES.binary_search(&(status / 100 * 100)));
        // There is no status below 100 or above 599.
        let Some((counter, status)) = known.ok().and_then(|at| Some((answers.by_status.get(at)?, STATUSES.get(at)?)))
        else {
            return;
        };
        let made = || HTTP_REQUESTS.of([&self.service, method, &self.name, &status.to_string()]);
        counter.get_or_init(made).inc();
    }
}

fn number_of(method: &Method) -> usize {
    let other = METHODS.len() - 1;
    METHODS.iter().position(|name| method == name).unwrap_or(other)
}
