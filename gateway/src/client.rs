//! Who a client is, as far as limits are concerned.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::Extensions;
use shared_service::client::network;

/// An IPv4 address, or the /64 network that one subscriber gets with IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    /// Stands for all those that cannot be told apart.
    pub(crate) const UNKNOWN: Self = Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED));

    /// Who has sent a request.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        peer(extensions).map_or(Self::UNKNOWN, |peer| peer.ip().into())
    }

    /// Whether it is this machine, from which everybody comes if there is a proxy on it.
    pub(crate) const fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }
}

/// The other end of the connection that a request came on.
pub(crate) fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        let is_own = address.to_canonical().is_loopback();
        Self(if is_own { address.to_canonical() } else { network(address) })
    }
}
