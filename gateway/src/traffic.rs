//! What is counted of the requests that come through the door.

use http::Method;
use shared_kernel::Domain;
use shared_service::{Answering, Traffic};

/// The name of the gateway in metrics.
pub(crate) const GATEWAY: &str = "gateway";
/// What the gateway knows beside the collections of the domains.
const OTHERS: [&str; 5] = ["/api/auditlog", "/api/changes", "/api/admin", "/api/health", "/api/me"];
/// What watches over this process asks for.
const HEALTH: &str = "/health";
/// Where people sign in and out.
const SIGN_IN: &str = "/auth";
/// The web client and everything that is nowhere.
const PAGES: &str = "/";

/// The requests to the gateway, by the collection that they are about: the services know the routes in it.
pub(crate) struct GatewayTraffic(Traffic);

impl GatewayTraffic {
    pub(crate) fn of<'a>(domains: impl Iterator<Item = &'a Domain>) -> Self {
        let collections = domains.flat_map(|domain| domain.collections);
        let collections = collections.map(|collection| format!("/api/{collection}"));
        let others = OTHERS.into_iter().chain([HEALTH, SIGN_IN, PAGES]).map(str::to_owned);
        Self(Traffic::of(GATEWAY, collections.chain(others)))
    }

    /// A request begins to be answered.
    pub(crate) fn begin(&self, path: &str, method: &Method) -> Answering<'_> {
        self.0.begin(Some(route(path)), method)
    }
}

/// The part of a path that tells what it is about, such as `/api/bags` of `/api/bags/7`.
fn route(path: &str) -> &str {
    const API: &str = "/api/";
    match path.strip_prefix(API) {
        Some(rest) => path.get(..API.len() + rest.find('/').unwrap_or(rest.len())).unwrap_or(path),
        None if path.starts_with(HEALTH) => HEALTH,
        None if path.starts_with(SIGN_IN) => SIGN_IN,
        None => PAGES,
    }
}
