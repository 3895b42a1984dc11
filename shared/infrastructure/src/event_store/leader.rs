//! Finding the node that takes appends: the only one, or the one that the nodes' gossip names.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use shared_eventstore_protocol::client::Empty;
use shared_eventstore_protocol::gossip::gossip_client::GossipClient;
use shared_eventstore_protocol::gossip::member_info::VNodeState;
use tokio::time::timeout;

use super::StoreError;
use super::connection::{ConnectionSettings, Node};
use super::in_process::Transport;

/// How long one node may take to say who leads.
const GOSSIP_LIMIT: Duration = Duration::from_millis(500);

/// Connects to the node that takes appends.
///
/// All nodes are asked at the same time, and the first that names a leader is believed: a node that hangs, or that
/// still names one that is gone, holds up nobody.
///
/// # Errors
/// [`StoreError::Unavailable`] with what was wrong with the last node that was tried.
pub(super) async fn connect(settings: &ConnectionSettings) -> Result<Transport, StoreError> {
    let unavailable = |error: &dyn std::fmt::Display| StoreError::Unavailable(error.to_string());
    let candidates = match (settings.nodes.as_slice(), settings.discovers) {
        ([only], false) => return settings.connect(only).await.map_err(|error| unavailable(&error)),
        ([name], true) => addresses_of(name).await,
        (nodes, _) => nodes.to_vec(),
    };
    let mut asked: FuturesUnordered<_> = candidates.iter().map(|node| leader_according_to(settings, node)).collect();
    let mut last = StoreError::Unavailable("the event store's address names no node".to_owned());
    while let Some(answer) = asked.next().await {
        match answer {
            Ok((leader, node, transport)) if leader == *node => return Ok(transport),
            Ok((leader, ..)) => match settings.connect(&leader).await {
                Ok(transport) => return Ok(transport),
                Err(error) => last = unavailable(&error),
            },
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The addresses behind a name that stands for all nodes.
async fn addresses_of(name: &Node) -> Vec<Node> {
    match tokio::net::lookup_host((name.host.as_str(), name.port)).await {
        Ok(addresses) => addresses.map(|address| Node { at: Some(address), ..name.clone() }).collect(),
        Err(_) => vec![name.clone()],
    }
}

async fn leader_according_to<'a>(
    settings: &ConnectionSettings,
    node: &'a Node,
) -> Result<(Node, &'a Node, Transport), StoreError> {
    let unavailable = |reason: String| StoreError::Unavailable(format!("{node} does not say who leads: {reason}"));
    let transport = settings.connect(node).await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let mut request = tonic::Request::new(Empty {});
    settings.authorize(request.metadata_mut());
    let answer = timeout(GOSSIP_LIMIT, GossipClient::new(transport.clone()).read(request)).await;
    let answer = answer.map_err(|_| StoreError::timeout(&format!("gossip with {node}"), GOSSIP_LIMIT))?;
    let members = answer.map_err(|status| unavailable(status.message().to_owned()))?.into_inner().members;
    let leader = members.into_iter().find(|member| member.is_alive && member.state() == VNodeState::Leader);
    let address = leader.and_then(|member| member.http_end_point);
    let address = address.ok_or_else(|| unavailable("there is none at the moment".to_owned()))?;
    let port = u16::try_from(address.port).map_err(|_| unavailable(format!("{} is not a port", address.port)))?;
    Ok((Node::named(address.address, port), node, transport))
}
