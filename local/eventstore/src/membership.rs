//! Which nodes there are, and which of them leads.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::log::ticks_now;
use crate::status;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Leader,
    Follower,
    /// It knows of no leader.
    Unknown,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Leader => "Leader",
            Self::Follower => "Follower",
            Self::Unknown => "Unknown",
        }
    }
}

/// One node as all of them see it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) instance_id: Uuid,
    /// Where clients reach it; `None` if that is wherever they reached it.
    pub(crate) address: Option<SocketAddr>,
    /// What it is or, if it is gone, what it was last.
    pub(crate) role: Role,
    pub(crate) is_alive: bool,
    /// When this changed, in ticks since the Unix epoch.
    pub(crate) changed: i64,
}

/// All nodes, in a fixed order.
#[derive(Debug, Clone)]
pub(crate) struct Members(Arc<[Member]>);

impl Members {
    /// One node, which leads, at whatever address clients use.
    pub(crate) fn single() -> Self {
        Self([member(None, Role::Leader)].into())
    }

    /// Several nodes, of which the first leads.
    pub(crate) fn at(addresses: &[SocketAddr]) -> Self {
        let roles = std::iter::once(Role::Leader).chain(std::iter::repeat(Role::Follower));
        Self(addresses.iter().zip(roles).map(|(address, role)| member(Some(*address), role)).collect())
    }

    pub(crate) fn all(&self) -> &[Member] {
        &self.0
    }

    /// The node that leads, if one does and it is alive.
    pub(crate) fn leader(&self) -> Option<usize> {
        self.0.iter().position(|member| member.is_alive && member.role == Role::Leader)
    }

    /// The same nodes after an election: with this leader if it is alive, or without one. Those that are gone stay as
    /// they were.
    pub(crate) fn with_leader(&self, leader: Option<usize>) -> Self {
        let leader = leader.filter(|leader| self.0.get(*leader).is_some_and(|member| member.is_alive));
        self.changed(|index, member| {
            if member.is_alive {
                member.role = match leader {
                    Some(leader) if leader == index => Role::Leader,
                    Some(_) => Role::Follower,
                    None => Role::Unknown,
                };
            }
        })
    }

    /// The same nodes after one has gone or come back. If the leader went, the others have none; who comes back
    /// follows.
    pub(crate) fn with_alive(&self, node: usize, is_alive: bool) -> Self {
        if self.0.get(node).is_none_or(|member| member.is_alive == is_alive) {
            return self.clone();
        }
        let leader = self.leader().filter(|leader| *leader != node);
        let changed = self.changed(|index, member| {
            if index == node {
                member.is_alive = is_alive;
            }
        });
        changed.with_leader(leader)
    }

    fn changed(&self, mut change: impl FnMut(usize, &mut Member)) -> Self {
        let mut members = self.0.to_vec();
        for (index, member) in members.iter_mut().enumerate() {
            let before = (member.role, member.is_alive);
            change(index, member);
            if before != (member.role, member.is_alive) {
                member.changed = ticks_now();
            }
        }
        Self(members.into())
    }
}

fn member(address: Option<SocketAddr>, role: Role) -> Member {
    Member { instance_id: Uuid::new_v4(), address, role, is_alive: true, changed: ticks_now() }
}

/// Why a node does not serve a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotHandled {
    /// The client wants the leader, which is another node.
    NotLeader(Option<SocketAddr>),
    /// There is no leader.
    NotReady,
}

impl From<NotHandled> for Status {
    fn from(reason: NotHandled) -> Self {
        let NotHandled::NotLeader(leader) = reason else {
            return status::not_ready();
        };
        let (host, port) = leader.map_or_else(Default::default, |it| (it.ip().to_string(), it.port().to_string()));
        let trailers =
            [("exception", "not-leader"), ("leader-endpoint-host", &*host), ("leader-endpoint-port", &*port)];
        status::with_trailers(Code::NotFound, "Leader info available".to_owned(), &trailers)
    }
}

/// What a node knows of itself and the others.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    index: usize,
    members: watch::Receiver<Members>,
}

impl Node {
    pub(crate) fn new(index: usize, members: watch::Receiver<Members>) -> Self {
        Self { index, members }
    }

    /// A node that is alone.
    pub(crate) fn single() -> Self {
        Self::new(0, watch::channel(Members::single()).1)
    }

    pub(crate) fn members(&self) -> Members {
        self.members.borrow().clone()
    }

    pub(crate) fn role(&self) -> Role {
        self.members.borrow().all().get(self.index).map_or(Role::Unknown, |member| member.role)
    }

    /// Whether this node serves a read.
    pub(crate) fn may_read(&self, requires_leader: bool) -> Result<(), NotHandled> {
        if requires_leader { self.may_write(true) } else { Ok(()) }
    }

    /// Whether this node serves a write. One that does not insist on the leader is passed on to it.
    pub(crate) fn may_write(&self, requires_leader: bool) -> Result<(), NotHandled> {
        let members = self.members.borrow();
        match members.leader() {
            None => Err(NotHandled::NotReady),
            Some(leader) if leader == self.index || !requires_leader => Ok(()),
            Some(leader) => Err(NotHandled::NotLeader(members.all().get(leader).and_then(|leader| leader.address))),
        }
    }
}

/// Whether the client wants only the leader to serve its call.
pub(crate) fn requires_leader(metadata: &MetadataMap) -> bool {
    metadata.get("requires-leader").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}
