//! `GET /api/me`: who one is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderValue, header};
use serde::Serialize;
use shared_access::{Role, Roles};

use crate::forward::Forwarder;
use crate::visitor::{Known, Visitor, Who};

/// Somebody, as they get to know themselves.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Me<'a> {
    /// The id of the principal; null for nobody, and for anybody.
    subject: Option<&'a str>,
    name: Option<&'a str>,
    roles: Vec<&'static str>,
    until: Option<String>,
    /// The ways to identify oneself here.
    authentication: Vec<&'static str>,
    /// Those of them in which people can sign in on the web page.
    sign_in: Vec<&'static str>,
}

pub(crate) async fn me(State(forwarder): State<Arc<Forwarder>>, Extension(visitor): Extension<Visitor>) -> Response {
    let (authentication, sign_in) = (forwarder.authentication().ways(), forwarder.authentication().ways_to_sign_in());
    let names = |roles: Roles| roles.iter().map(Role::as_str).collect();
    let nobody = Me { subject: None, name: None, roles: Vec::new(), until: None, authentication, sign_in };
    let me = match &visitor.who {
        Who::Nobody => nobody,
        Who::Anybody => Me { roles: vec![Role::Admin.as_str()], ..nobody },
        Who::Known(Known { principal, .. }) => Me {
            subject: Some(principal.id.as_str()),
            name: Some(principal.name.as_str()),
            roles: names(principal.roles),
            until: principal.until.map(|end| end.to_string()),
            ..nobody
        },
    };
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(me)).into_response()
}
