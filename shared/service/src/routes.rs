//! The routes of a service, each with what it asks of whoever calls it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, Route as AxumRoute, on};
use futures::future::Either;
use http::Method;
use shared_access::Access;
use tower::{Layer, Service};

use crate::caller::admit;
use crate::edge::{finish, finish_counted};
use crate::openapi::Operation;
use crate::traffic::Traffic;

/// The routes of a service. There is no other way to declare one than with what it asks of whoever calls it, which is
/// decided once the router has found it.
///
/// ```
/// use shared_access::{Access, Role};
/// use shared_service::Routes;
///
/// let routes: Routes = Routes::new()
///     .get("/api/bags", Access::Role(Role::Viewer), async || "a list")
///     .post("/api/bags", Access::Role(Role::Agent), async || "a new one");
///
/// assert_eq!(routes.list()[1].access, Access::Role(Role::Agent));
/// ```
#[derive(Debug, Clone)]
pub struct Routes<S = ()> {
    router: Router<S>,
    list: Vec<Route>,
}

/// A route, as far as its callers are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method. One with `GET` is there for `HEAD` as well.
    pub method: Method,
    /// The path, with names in braces for what differs, such as `/api/bags/{id}`.
    pub path: String,
    /// What it asks of whoever calls it.
    pub access: Access,
    /// What is said about it to clients, if they reach it.
    pub operation: Option<Operation>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes.
    #[must_use]
    pub fn new() -> Self {
        Self { router: Router::new(), list: Vec::new() }
    }

    /// Adds a route for `GET` and `HEAD`.
    #[must_use]
    pub fn get<H: Handler<T, S>, T: 'static>(self, path: &str, access: Access, handler: H) -> Self {
        self.on((Method::GET, MethodFilter::GET), path, access, handler)
    }

    /// Adds a route for `POST`.
    #[must_use]
    pub fn post<H: Handler<T, S>, T: 'static>(self, path: &str, access: Access, handler: H) -> Self {
        self.on((Method::POST, MethodFilter::POST), path, access, handler)
    }

    /// Adds a route for `PUT`.
    #[must_use]
    pub fn put<H: Handler<T, S>, T: 'static>(self, path: &str, access: Access, handler: H) -> Self {
        self.on((Method::PUT, MethodFilter::PUT), path, access, handler)
    }

    /// Adds a route for `DELETE`.
    #[must_use]
    pub fn delete<H: Handler<T, S>, T: 'static>(self, path: &str, access: Access, handler: H) -> Self {
        self.on((Method::DELETE, MethodFilter::DELETE), path, access, handler)
    }

    fn on<H, T>(mut self, (method, filter): (Method, MethodFilter), path: &str, access: Access, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.router = self.router.route(path, on(filter, Guarded { access, handler }));
        self.list.push(Route { method, path: path.to_owned(), access, operation: None });
        self
    }

    /// Says this about the route that was added last.
    #[must_use]
    pub fn about(mut self, operation: Operation) -> Self {
        if let Some(route) = self.list.last_mut() {
            route.operation = Some(operation);
        }
        self
    }

    /// These and those.
    #[must_use]
    pub fn merge(mut self, others: Self) -> Self {
        self.list.extend(others.list);
        Self { router: self.router.merge(others.router), ..self }
    }

    /// The same, with what their handlers work with.
    #[must_use]
    pub fn with_state<S2>(self, state: S) -> Routes<S2> {
        Routes { router: self.router.with_state(state), list: self.list }
    }

    /// The same, within a layer. It sees requests before their routes decide who may call them.
    #[must_use]
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<AxumRoute> + Clone + Send + Sync + 'static,
        L::Service: Service<Request, Error: Into<Infallible>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self { router: self.router.layer(layer), ..self }
    }

    /// The same, completed as [`finish`] does it.
    #[must_use]
    pub fn finish(self, limit: Duration) -> Self {
        Self { router: finish(self.router, limit), ..self }
    }

    /// The same, with what it answers counted as that of a service with this name.
    #[must_use]
    pub fn finish_as(self, service: &str, limit: Duration) -> Self {
        let traffic = Traffic::of(service, self.list.iter().map(|route| route.path.clone()));
        Self { router: finish_counted(self.router, limit, traffic), ..self }
    }

    /// What there is.
    #[must_use]
    pub fn list(&self) -> &[Route] {
        &self.list
    }

    /// A router that answers them.
    pub fn into_router(self) -> Router<S> {
        self.router
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// A handler behind what its route asks of whoever calls it.
#[derive(Clone)]
struct Guarded<H> {
    access: Access,
    handler: H,
}

impl<T, S, H: Handler<T, S>> Handler<T, S> for Guarded<H> {
    type Future = Either<H::Future, Ready<Response>>;

    fn call(self, request: Request, state: S) -> Self::Future {
        match admit(self.access, request.extensions()) {
            Ok(()) => Either::Left(self.handler.call(request, state)),
            Err(refusal) => Either::Right(ready(refusal.into_response())),
        }
    }
}
