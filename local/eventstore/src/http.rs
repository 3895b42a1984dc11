//! Everything on the port: the gRPC services, and what plain HTTP clients look for.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{from_fn, map_request_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::server::NamedService;
use uuid::Uuid;

use crate::deadline;
use crate::log::EventLog;
use crate::proto::gossip::gossip_server::GossipServer;
use crate::proto::persistent_subscriptions::persistent_subscriptions_server::PersistentSubscriptionsServer;
use crate::proto::server_features::server_features_server::ServerFeaturesServer;
use crate::proto::streams::streams_server::StreamsServer;
use crate::services::{FeaturesService, GossipService, NoPersistentSubscriptions, VERSION};
use crate::streams::StreamsService;

/// The largest request message, in bytes: many times an append's own limit, so that the limit's error gets through.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// The host and port by which a client reached this server: it can reach it there again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Authority {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// All routes of a server that listens on `address`.
pub(crate) fn router(log: EventLog, address: SocketAddr, shutdown: CancellationToken) -> Router {
    let instance_id = Uuid::new_v4();
    let streams = StreamsServer::new(StreamsService::new(log, shutdown)).max_decoding_message_size(MAX_MESSAGE);
    let gossip = GossipServer::new(GossipService { instance_id });
    let addressed = Router::new()
        .route_service(&path_of(&gossip), gossip)
        .route("/gossip", get(gossip_json))
        .layer(map_request_with_state(address, add_authority));
    let features = ServerFeaturesServer::new(FeaturesService);
    let persistent = PersistentSubscriptionsServer::new(NoPersistentSubscriptions);
    Router::new()
        .route_service(&path_of(&streams), streams)
        .route_service(&path_of(&features), features)
        .route_service(&path_of(&persistent), persistent)
        .merge(addressed)
        .route("/health/live", get(StatusCode::NO_CONTENT))
        .route("/info", get(info))
        .route("/ping", get(ping))
        // Rust clients list persistent subscriptions here while not all of their gRPC methods exist.
        .route("/subscriptions", get(async || Json(json!([]))))
        .fallback(unknown)
        .layer(from_fn(deadline::enforce))
}

fn path_of<S: NamedService>(_: &S) -> String {
    format!("/{}/{{*method}}", S::NAME)
}

async fn add_authority(State(listen): State<SocketAddr>, mut request: Request) -> Request {
    let host_header = || request.headers().get(header::HOST)?.to_str().ok()?.parse().ok();
    let authority = request.uri().authority().cloned().or_else(host_header);
    let authority = authority.map_or_else(
        || Authority { host: listen.ip().to_string(), port: listen.port() },
        |authority| Authority {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(listen.port()),
        },
    );
    request.extensions_mut().insert(authority);
    request
}

async fn gossip_json(Extension(authority): Extension<Authority>) -> Json<Value> {
    let Authority { host, port } = authority;
    Json(json!({
        "members": [{
            "state": "Leader",
            "isAlive": true,
            "httpEndPointIp": host,
            "httpEndPointPort": port,
        }],
    }))
}

async fn info() -> Json<Value> {
    Json(json!({
        "esVersion": VERSION,
        "state": "leader",
        "features": { "projections": false, "userManagement": false, "atomPub": false },
        "authentication": { "type": "insecure", "properties": {} },
    }))
}

async fn ping() -> Json<Value> {
    Json(json!({ "text": "Ping request successfully handled" }))
}

/// An honest answer in the protocol that was spoken.
async fn unknown(headers: HeaderMap) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE);
    let is_grpc = content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    if is_grpc {
        Status::unimplemented("this event store does not have this service").into_http::<axum::body::Body>()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// How long an HTTP/1 client may take to send its request headers.
pub(crate) const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
