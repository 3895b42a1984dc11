//! Tells clients which nodes there are, over gRPC and as JSON.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::header;
use axum::{Extension, Json};
use serde_json::{Value, json};
use tonic::{Response, Status};

use crate::log::EventLog;
use crate::membership::{Member, Node, Role};
use crate::proto::client::Empty;
use crate::proto::gossip::gossip_server::Gossip;
use crate::proto::gossip::member_info::VNodeState;
use crate::proto::gossip::{ClusterInfo, EndPoint, MemberInfo};
use crate::services::VERSION;
use crate::wire::{self, IdForm};

const TICKS_PER_SECOND: i64 = 10_000_000;

/// The host and port by which a client reached this server: it can reach it there again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Authority {
    host: String,
    port: u16,
}

impl From<SocketAddr> for Authority {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

/// Puts the authority beside a request to a server that listens on `listen`.
pub(crate) async fn add_authority(State(listen): State<SocketAddr>, mut request: Request) -> Request {
    let host_header = || request.headers().get(header::HOST)?.to_str().ok()?.parse().ok();
    let authority = request.uri().authority().cloned().or_else(host_header);
    let authority = authority.map_or_else(
        || listen.into(),
        |authority| Authority {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(listen.port()),
        },
    );
    request.extensions_mut().insert(authority);
    request
}

impl Member {
    fn endpoint(&self, reached: &Authority) -> Authority {
        self.address.map_or_else(|| reached.clone(), Authority::from)
    }

    fn state(&self) -> VNodeState {
        match self.role {
            Role::Leader => VNodeState::Leader,
            Role::Follower => VNodeState::Follower,
            Role::Unknown => VNodeState::Unknown,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct GossipService {
    pub(crate) node: Node,
}

#[tonic::async_trait]
impl Gossip for GossipService {
    async fn read(&self, request: tonic::Request<Empty>) -> Result<Response<ClusterInfo>, Status> {
        let reached = request.extensions().get::<Authority>().cloned().unwrap_or_default();
        let info = |member: &Member| {
            let Authority { host, port } = member.endpoint(&reached);
            MemberInfo {
                instance_id: Some(wire::proto_id(member.instance_id, IdForm::Text)),
                time_stamp: member.changed,
                state: member.state().into(),
                is_alive: member.is_alive,
                http_end_point: Some(EndPoint { address: host, port: port.into() }),
            }
        };
        Ok(Response::new(ClusterInfo { members: self.node.members().all().iter().map(info).collect() }))
    }
}

/// What `GET /gossip` needs.
#[derive(Debug, Clone)]
pub(crate) struct GossipPage {
    pub(crate) node: Node,
    pub(crate) log: EventLog,
}

/// Everything that clients look for in `GET /gossip`. There is no internal or external TCP.
pub(crate) async fn page(State(page): State<GossipPage>, Extension(reached): Extension<Authority>) -> Json<Value> {
    let position = *page.log.head().borrow();
    let member = |member: &Member| {
        let Authority { host, port } = member.endpoint(&reached);
        json!({
            "instanceId": member.instance_id,
            "timeStamp": timestamp(member.changed),
            "state": member.role.name(),
            "isAlive": member.is_alive,
            "internalTcpIp": host,
            "internalTcpPort": 0,
            "internalSecureTcpPort": 0,
            "externalTcpIp": host,
            "externalTcpPort": 0,
            "externalSecureTcpPort": 0,
            "httpEndPointIp": host,
            "httpEndPointPort": port,
            "lastCommitPosition": position,
            "writerCheckpoint": position,
            "chaserCheckpoint": position,
            "epochPosition": 0,
            "epochNumber": 0,
            "epochId": member.instance_id,
            "nodePriority": 0,
            "isReadOnlyReplica": false,
            "esVersion": VERSION,
        })
    };
    let members: Vec<_> = page.node.members().all().iter().map(member).collect();
    let Authority { host, port } = reached;
    Json(json!({ "members": members, "serverIp": host, "serverPort": port }))
}

/// Ticks since the Unix epoch as in RFC 3339.
fn timestamp(ticks: i64) -> String {
    let nanos = i32::try_from(ticks.rem_euclid(TICKS_PER_SECOND) * 100).unwrap_or_default();
    prost_types::Timestamp { seconds: ticks.div_euclid(TICKS_PER_SECOND), nanos }.to_string()
}
