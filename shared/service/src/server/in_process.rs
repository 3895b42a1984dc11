//! Services that are in this process too: they are asked without a connection.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::Request;
use http::uri::{Authority, PathAndQuery, Uri};

use tokio_util::task::task_tracker::TaskTrackerToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::connection::Serving;
use crate::problem::Problem;

/// From where requests come that have no connection.
const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The services of this process, by the address at which they listen. All that is given the same one can ask those that
/// serve with it; whatever else is there is asked over the network.
///
/// A request takes the same way as one from a connection, from the check of its `Host` on, and a place among the requests
/// that a service answers at the same time.
#[derive(Clone, Default)]
pub struct InProcess(Arc<RwLock<HashMap<String, (Serving, TaskTracker)>>>);

impl InProcess {
    /// A request to the service at this address. `None` if there is none here that is not about to end.
    #[must_use]
    pub fn to(&self, place: &Authority) -> Option<Asking> {
        let services = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (serving, requests) = services.get(place.as_str())?;
        Some(Asking { serving: serving.clone(), counted: requests.token() })
    }

    /// Lets a service be asked until what this gives is dropped. `requests` tracks what is being answered.
    pub(super) fn serve(&self, address: SocketAddr, serving: Serving, requests: TaskTracker) -> Registered {
        let place = address.to_string();
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(place.clone(), (serving, requests));
        Registered { services: self.clone(), place }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services = self.0.read().unwrap_or_else(PoisonError::into_inner);
        formatter.debug_set().entries(services.keys()).finish()
    }
}

/// A service that can be asked.
pub(super) struct Registered {
    services: InProcess,
    place: String,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.services.0.write().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
    }
}

/// Who is asked, and waits for the end of the answer when it ends itself.
pub struct Asking {
    serving: Serving,
    counted: TaskTrackerToken,
}

impl Asking {
    /// Has a request answered, by a task of its own, since a stack is deep enough for one service and not for two. It is
    /// given up when this is dropped.
    pub async fn send(self, mut request: Request<Body>) -> Response {
        // As it would be in a request line.
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        let Self { serving, counted } = self;
        let answering = tokio::spawn(serving.answer_in_process(request, HERE, counted));
        let Ok(mut response) = AbortOnDropHandle::new(answering).await else {
            return Problem::internal("a request within the process was given up").into_response();
        };
        // What no connection would carry.
        response.extensions_mut().clear();
        response
    }
}
