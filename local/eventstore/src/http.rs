//! Everything on the port: the gRPC services, and what plain HTTP clients look for.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state, map_request_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tonic::Status;
use tonic::server::NamedService;

use crate::call::{self, MAX_MESSAGE};
use crate::deadline;
use crate::gossip::{self, GossipPage, GossipService};
use crate::guard::{self, Guard};
use crate::membership::Node;
use crate::proto::gossip::gossip_server::GossipServer;
use crate::proto::persistent_subscriptions::persistent_subscriptions_server::PersistentSubscriptionsServer;
use crate::proto::server_features::server_features_server::ServerFeaturesServer;
use crate::proto::streams::streams_server::StreamsServer;
use crate::services::{FeaturesService, NoPersistentSubscriptions, VERSION};
use crate::streams::StreamsService;

/// All routes of a node that listens on `address`, for those whom `guard` lets in.
pub(crate) fn router(streams: StreamsService, address: SocketAddr, guard: Guard) -> Router {
    let (node, log) = (streams.node.clone(), streams.log.clone());
    let authentication = guard.authentication();
    let streams = StreamsServer::new(streams).max_decoding_message_size(MAX_MESSAGE);
    let gossip = GossipServer::new(GossipService { node: node.clone() });
    let features = ServerFeaturesServer::new(FeaturesService);
    let persistent = PersistentSubscriptionsServer::new(NoPersistentSubscriptions);
    let calls = Router::new()
        .route_service(&path_of(&streams), streams)
        .route_service(&path_of(&features), features)
        .route_service(&path_of(&persistent), persistent)
        .route_layer(from_fn(call::check));
    let addressed = Router::new()
        .route_service(&path_of(&gossip), gossip)
        .route_layer(from_fn(call::check))
        .route("/gossip", get(gossip::page).with_state(GossipPage { node: node.clone(), log }))
        .route_layer(map_request_with_state(address, gossip::add_authority));
    calls
        .merge(addressed)
        .route("/health/live", get(StatusCode::NO_CONTENT))
        .route("/info", get(info).with_state((node, authentication)))
        .route("/ping", get(ping))
        .route("/stats", get(stats))
        // Rust clients list persistent subscriptions here while not all of their gRPC methods exist.
        .route("/subscriptions", get(async || Json(json!([]))))
        .fallback(unknown)
        .layer(from_fn(deadline::enforce))
        .layer(from_fn_with_state(Arc::new(guard), guard::check))
        .layer(map_response(name_server))
}

fn path_of<S: NamedService>(_: &S) -> String {
    format!("/{}/{{*method}}", S::NAME)
}

async fn name_server(mut response: Response) -> Response {
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static("jetbridge-eventstore"));
    response
}

async fn info(State((node, authentication)): State<(Node, &'static str)>) -> Json<Value> {
    Json(json!({
        "esVersion": VERSION,
        "state": node.role().name().to_lowercase(),
        "features": { "projections": false, "userManagement": false, "atomPub": false },
        "authentication": { "type": authentication, "properties": {} },
    }))
}

async fn ping() -> Json<Value> {
    Json(json!({ "text": "Ping request successfully handled" }))
}

async fn stats() -> Json<Value> {
    Json(json!({ "proc": { "id": std::process::id() } }))
}

/// An honest answer in the protocol that was spoken. A gRPC path is a service and a method.
async fn unknown(request: Request) -> Response {
    let is_call = request.uri().path().split('/').filter(|segment| !segment.is_empty()).count() == 2;
    if is_call && call::is_grpc(request.headers()) {
        Status::unimplemented("Service is unimplemented.").into_http::<axum::body::Body>()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}
